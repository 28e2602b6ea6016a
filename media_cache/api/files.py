"""Our own files, behind signed links: what a bucket does where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from carousel.api.errors import ApiProblem, json_problem
from media_cache.storage import LocalMedia, media_storage

CHUNK = 256 * 1024  # bytes
RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")

# What a browser may show; anything else is a download without a type of its own.
SHOWN = {
    **{"jpg": "image/jpeg", "png": "image/png", "apng": "image/apng", "gif": "image/gif"},
    **{"webp": "image/webp", "avif": "image/avif", "heic": "image/heic", "heif": "image/heif"},
    **{"mp4": "video/mp4", "m4v": "video/x-m4v", "mov": "video/quicktime", "webm": "video/webm"},
    **{"3gp": "video/3gpp", "3g2": "video/3gpp2", "mkv": "video/matroska"},
    **{"mp3": "audio/mpeg", "aac": "audio/aac", "m4a": "audio/mp4"},
}


@require_safe
def serve_media(request: HttpRequest, key: str) -> HttpResponseBase:
    """The file ``key``, if the link is one of ours and has not expired. Ranges are served."""
    try:
        path = _signed_path(request, key)
        return _answer(request, path, key)
    except ApiProblem as problem:
        return json_problem(problem)


def _signed_path(request: HttpRequest, key: str) -> Path:
    storage = media_storage()
    if not isinstance(storage, LocalMedia):
        raise ApiProblem(404, "not_found", "Files are kept in a bucket, not here.")
    expires, signature = request.GET.get("expires", ""), request.GET.get("signature", "")
    numeric = expires.isascii() and expires.isdecimal() and len(expires) < 12
    if not (numeric and signature.isascii() and storage.verify(key, int(expires), signature)):
        raise ApiProblem(
            403,
            "link_expired",
            "This link is not valid, or not any more. Ask the API for a new one.",
        )
    path = Path(storage.path(key))
    if not path.is_file():
        raise ApiProblem(404, "not_found", "The file is not there any more. Store the asset again.")
    return path


def _answer(request: HttpRequest, path: Path, key: str) -> HttpResponseBase:
    etag = f'"{key}"'  # content-addressed: the same name is the same bytes
    if request.headers.get("If-None-Match") == etag:
        return _labelled(HttpResponse(status=304), key, etag)
    size = path.stat().st_size
    asked = request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        asked = ""
    start, end = _span(asked, size)
    partial = (start, end) != (0, size)
    chunks = _chunks(path, start, end - start)
    response = StreamingHttpResponse(chunks, status=206 if partial else 200)
    response["Content-Length"] = str(end - start)
    response["Accept-Ranges"] = "bytes"
    response["Last-Modified"] = formatdate(path.stat().st_mtime, usegmt=True)
    if partial:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _labelled(response, key, etag)


def _labelled(response: HttpResponseBase, key: str, etag: str) -> HttpResponseBase:
    """Say what it is in a way that no browser can take for a page or a script."""
    name = key.rpartition("/")[2]
    shown = SHOWN.get(name.rpartition(".")[2].lower())
    response["Content-Type"] = shown or "application/octet-stream"
    response["Content-Disposition"] = f'{"inline" if shown else "attachment"}; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=3600, immutable"
    response["ETag"] = etag
    return response


def _span(asked: str, size: int) -> tuple[int, int]:
    """The first byte and the one after the last (RFC 9110, section 14). Several ranges: all of it.

    Raises ApiProblem 416 for a range that lies outside of the file.
    """
    match = RANGE.fullmatch(asked.strip())
    if match is None or match.group() == "bytes=-":
        return 0, size
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= end:
        raise ApiProblem(
            416,
            "range_not_satisfiable",
            f"The file has {size} bytes.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, end


def _chunks(path: Path, start: int, left: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk

"""The type is told from the bytes: every type that we store, and nothing that isn't media."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from django.conf import settings

from media_cache.filetype import MediaType, describe, detect

CORPORA = Path(settings.BASE_DIR).parent / "shared" / "corpora"
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"needs {CORPORA}")
STORED = {
    "jpg", "png", "apng", "gif", "webp", "heic", "avif", "mp4", "m4v", "mov", "3gp", "3g2",
    "webm", "mkv", "mp3", "aac", "m4a",
}  # fmt: skip
# The peer names these after their file's ending; inside they are MPEG-4 like any other.
SAME_CONTAINER = {"f4v": "video/mp4", "m4b": "audio/mp4"}
AUDIO = {"mp3": "audio/mpeg", "aac": "audio/aac", "m4a": "audio/mp4"}


def detected(path: Path) -> MediaType | None:
    with path.open("rb") as file:
        return detect(file.read(4096), file)


def expectations(folder: str) -> list[dict[str, str]]:
    path = CORPORA / folder / "EXPECTED.tsv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@needs_corpora
def test_every_stored_type_of_the_peers_suite_is_recognised_and_nothing_else_is_media() -> None:
    rows, stored = expectations("file-type"), 0
    for row in rows:
        found = detected(CORPORA / "file-type" / row["path"])
        extension = row["expected_ext_or_label"]
        if extension in STORED:
            stored += 1
            assert found is not None, row["path"]
            assert found.mime == (row["expected_mime"] or AUDIO[extension]), row["path"]
            assert found.extension == extension, row["path"]
        else:
            expected = SAME_CONTAINER.get(extension)
            assert (found.mime if found else None) == expected, row["path"]
    assert stored == 35
    assert len(rows) > 200


@needs_corpora
def test_handmade_files_are_what_their_row_says() -> None:
    checked = 0
    for row in expectations("handmade"):
        found, expect = detected(CORPORA / "handmade" / row["file"]), row["expect"]
        if expect.startswith("detect image/") or expect.startswith("detect video/"):
            checked += 1
            assert found is not None, row["file"]
            family, subtype = found.mime.split("/")
            assert (family in expect, subtype in expect) == (True, True), row["file"]
        if row["file"].endswith(".svg") or row["what"].split(" ")[0] in ("CDN", "BOM", "JSON"):
            checked += 1
            assert found is None, row["file"]
    assert checked > 20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xd8",
        b"<!DOCTYPE html><html>",
        b"\xef\xbb\xbf \n<html>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<?xml version='1.0'?><svg/>",
        b'{"error": "rate limited"}',
        b"PK\x03\x04" + bytes(60),
        b"%PDF-1.7\n",
        b"we moov on: free text with mdat and wide words in it" * 9,
        b"the free encyclopedia, free as in ftypmp42" * 9,
        b"GIF8 is not a picture",
        b"RIFF\x10\0\0\0WEBPjunk" + bytes(64),
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        b"\xff\xfe" + "UTF-16 text that begins like an MPEG frame".encode("utf-16-le"),
        bytes(4096),
        b"ID3\x04\0\0\0\0\0\x0a" + b"<html>" * 100,
    ],
)
def test_what_is_not_media_is_never_called_media(body: bytes) -> None:
    assert detect(body, io.BytesIO(body)) is None


def test_a_name_for_what_came_instead() -> None:
    assert describe(b"\xef\xbb\xbf\n<!DOCTYPE HTML>") == "HTML"
    assert describe(b"<?xml version='1.0'?>\n<svg>") == "SVG"
    assert describe(b"<?xml version='1.0'?><Error><Code>AccessDenied") == "XML"
    assert describe(b' {"message": 1}') == "JSON"
    assert describe(b"%PDF-1.4") == "application/pdf"
    assert describe(b"") == "nothing"
    assert describe(b"\0\0\0\x18ftypcrx ") == "ISO media of brand 'crx '"


@needs_corpora
def test_any_beginning_of_any_file_is_answered_without_an_error() -> None:
    for path in sorted((CORPORA / "handmade").iterdir()):
        body = path.read_bytes()[:512]
        for length in range(0, len(body), 7):
            detect(body[:length])
            describe(body[:length])


def test_boxes_with_absurd_sizes_end_the_walk() -> None:
    for size in (0, 1, 7, 8, 9, 2**31, 2**32 - 1):
        for kind in (b"free", b"skip", b"wide", b"ftyp", b"moov"):
            body = size.to_bytes(4) + kind + bytes(64)
            detect(body)
            detect(body[:8])
    endless = (b"\0\0\0\x08free" * 600)[:4096]
    assert detect(endless) is None

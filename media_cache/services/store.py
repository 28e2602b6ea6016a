"""Keep a copy of one file: download, look at its bytes, convert, store, write it down."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from carousel.lib import faults
from carousel.lib.drain import Flow
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.work import Status
from media_cache.convert import MediaRejected, inspect_video
from media_cache.download import Downloaded, Downloader, DownloadError, DownloadPolicy
from media_cache.filetype import MediaType, describe, detect
from media_cache.models import CacheAsset, Kind
from media_cache.services.decoding import decoders
from media_cache.services.fingerprints import record_fingerprints, side_for
from media_cache.services.hosts import BACKOFF, outlast
from media_cache.services.objects import release, storing
from media_cache.signals import assets_settled, links_died
from media_cache.storage import disk_trouble, media_storage, scratch_folder

# Seconds for all links of one file: beyond them the worker would be killed with all it has in hand.
ALL_LINKS = settings.CELERY_TASK_SOFT_TIME_LIMIT - settings.WORK_SLICE_SECONDS
# TikTok serves some sounds as MP4 files without a picture.
FAMILIES = {Kind.VIDEO: ("video",), Kind.AUDIO: ("audio", "video")}
REWRITTEN = ".rewritten"
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/apng": "png",
    "image/webp": "webp",
    "image/gif": "gif",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that is fit to be stored: where it is, and what is written down about it."""

    path: Path
    extension: str
    sha256: str
    content_type: str
    original_content_type: str
    byte_size: int
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    codec: str = ""
    luma: bytes | None = None  # of a picture; see CacheAsset

    @property
    def storage_key(self) -> str:
        """The address made of the content: the same bytes are one object."""
        return f"{self.sha256[:2]}/{self.sha256}.{self.extension}"


def store(assets: list[CacheAsset]) -> None:
    """The step: keep each file and end its row."""
    for asset in assets:
        _store(asset)


def announce(assets: list[CacheAsset]) -> None:
    """Tell who listens which of these came to rest, and which wait for fresh links."""
    states = dict(
        CacheAsset.objects.filter(pk__in=[asset.pk for asset in assets]).values_list("pk", "status")
    )
    settled = [pk for pk, status in states.items() if status in (Status.COMPLETED, Status.FAILED)]
    dead = [pk for pk, status in states.items() if status == Status.BLOCKED]
    faults.point("media.finished")
    record_fingerprints(assets)
    if settled:
        assets_settled.send(CacheAsset, asset_ids=settled)
    if dead:
        links_died.send(CacheAsset, asset_ids=dead)
    faults.point("media.announced")


def _store(asset: CacheAsset) -> None:
    faults.point("media.claimed")
    # By the database's clock: a worker whose own is fast must not give good links up.
    now = asset.started_at or datetime.now(UTC)
    if asset.expires_at is not None and asset.expires_at <= now:
        asset.block("Its links have expired; fresh ones have been asked for.", "link_dead")
        return
    try:
        with _scratch() as path:
            _keep(asset, _fetch(asset, path))
    except DownloadError as error:
        if error.link_dead:
            asset.block(str(error), "link_dead")
        elif error.host_down:
            outlast(asset, error)
        else:
            raise
    except OSError as error:
        raise disk_trouble(error, scratch_folder()) from error


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A name for a file on its way. It and what was made of it are gone afterwards.

    A folder for each file would cost more than looking at it, checking and storing it.
    """
    path = scratch_folder() / secrets.token_hex(12)
    try:
        yield path
    finally:
        for left in (path, path.with_suffix(REWRITTEN)):
            left.unlink(missing_ok=True)


def _keep(asset: CacheAsset, copy: Copy) -> None:
    """Store the copy and point the row to it; if the row is not ours any more, let it go again."""
    facts = asdict(copy)
    del facts["path"], facts["extension"], facts["luma"]
    key = copy.storage_key
    with storing(key):
        media_storage().put(key, copy.path, copy.content_type, copy.sha256)
        faults.point("media.uploaded")
        if not asset.finish(**facts, storage_key=key, stored_at=Now(), host_down_since=None):
            release([key])
            return
    asset.luma = copy.luma


def _fetch(asset: CacheAsset, path: Path) -> Copy:
    """The first of the asset's links that gives a file fit to be stored, in ``path``.

    Raises the most hopeful of their errors: one that may pass, else a host that is left alone for
    now, else a dead link (which a fresh one heals), else the first.
    """
    errors: list[UpstreamError | NotNow] = []
    downloader, ends = _downloader(asset.kind), time.monotonic() + ALL_LINKS
    for url in asset.source_urls:
        if errors and time.monotonic() + downloader.policy.total_timeout > ends:
            break
        try:
            with path.open("w+b") as file:
                downloaded = downloader.fetch(url, file, expected_size=asset.expected_size)
            faults.point("media.downloaded")
            return _examine(asset, path, downloaded)
        except (UpstreamError, NotNow) as error:
            errors.append(error)
    if not errors:
        raise UpstreamError("It has no link.", code="no_link", retryable=False)
    raise max(errors, key=_hope)


def _hope(error: UpstreamError | NotNow) -> int:
    if isinstance(error, NotNow):
        return 2
    dead = isinstance(error, DownloadError) and error.link_dead
    return 1 if dead else 3 * error.retryable


def _examine(asset: CacheAsset, path: Path, downloaded: Downloaded) -> Copy:
    with path.open("rb") as file:
        found = detect(downloaded.head, file)
    if found is None or found.family not in FAMILIES.get(Kind(asset.kind), ("image",)):
        claim = downloaded.content_type_header or "nothing"
        what = found.mime if found else describe(downloaded.head)
        why = f"Expected {asset.kind}, got {what} (the server claims {claim[:60]})."
        raise MediaRejected("not_media", why)
    if found.family == "image":
        return _picture(path, found, downloaded)
    facts = inspect_video(path)
    return Copy(
        path,
        found.extension,
        downloaded.sha256,
        found.mime,
        found.mime,
        downloaded.size,
        facts.width,
        facts.height,
        facts.duration_ms,
        (facts.codec or facts.audio_codec or "")[:8],
    )


def _picture(path: Path, found: MediaType, downloaded: Downloaded) -> Copy:
    rewritten = path.with_suffix(REWRITTEN)
    side = side_for(found.mime)
    picture = decoders().process(path, rewritten, found.mime, thumbnail=side)
    return Copy(
        rewritten if picture.rewritten else path,
        EXTENSIONS[picture.content_type],
        picture.sha256 or downloaded.sha256,
        picture.content_type,
        found.mime,
        picture.byte_size or downloaded.size,
        picture.width,
        picture.height,
        luma=picture.luma,
    )


def _downloader(kind: str) -> Downloader:
    large = kind in (Kind.VIDEO, Kind.AUDIO)
    seconds = settings.MEDIA_TIMEOUT_SECONDS
    return _make_downloader(
        DownloadPolicy(
            allowed_hosts=settings.MEDIA_ALLOWED_HOSTS,
            allow_loopback=settings.MEDIA_ALLOW_LOOPBACK,
            max_bytes=settings.MEDIA_MAX_VIDEO_BYTES if large else settings.MEDIA_MAX_IMAGE_BYTES,
            total_timeout=min(3 * seconds, 200) if large else seconds,
        )
    )


@cache
def _make_downloader(policy: DownloadPolicy) -> Downloader:
    return Downloader(policy, backoff=BACKOFF)


FLOW = Flow(CacheAsset, store, lanes=settings.MEDIA_LANES, announce=announce)

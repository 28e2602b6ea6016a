"""Copies as files under MEDIA_ROOT."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import hmac
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from carousel.lib.errors import NotNow
from media_cache.presign import window_start
from media_cache.storage.interface import STORAGE_PAUSE, Links, StoredObject

CHUNK = 1024**2


class LocalMedia(FileSystemStorage):
    """Files under MEDIA_ROOT, served by the web process through signed, expiring links."""

    def __init__(self, location: Path, base_url: str, link_seconds: int) -> None:
        super().__init__(location=location, base_url=base_url)
        self.link_seconds = link_seconds

    def put(self, key: str, path: Path, content_type: str, sha256: str) -> None:
        """See ``MediaStorage``. On the disk, and under its name, before this returns."""
        target = Path(self.path(key))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _flush(path)
            path.replace(target)
            _flush(target.parent)
        except OSError as exc:
            raise disk_trouble(exc, Path(self.location)) from exc

    def links(self, keys: Iterable[str]) -> Links:
        """See ``MediaStorage``."""
        expires = window_start(time.time(), self.link_seconds) + self.link_seconds
        urls = {
            key: f"{self.base_url}{quote(key)}?expires={expires}&signature={_sign(key, expires)}"
            for key in keys
        }
        return Links(urls, datetime.fromtimestamp(expires, UTC))

    def verify(self, key: str, expires: int, signature: str) -> bool:
        """Whether a link to ``key`` is one of ours and has not ended."""
        genuine = hmac.compare_digest(_sign(key, expires), signature)
        return genuine and time.time() < expires

    def check(self) -> None:
        """See ``MediaStorage``."""
        folder = Path(self.location)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}"
            probe.write_bytes(b"carousel")
            probe.unlink()
        except OSError as exc:
            raise disk_trouble(exc, folder) from exc

    def stat(self, key: str) -> StoredObject | None:
        """See ``MediaStorage``."""
        try:
            return _described(Path(self.path(key)), key)
        except FileNotFoundError:
            return None

    def listing(self) -> Iterator[StoredObject]:
        """See ``MediaStorage``. One folder of names in memory at a time."""
        yield from _walk(Path(self.location), "")

    def chunks(self, key: str) -> Iterator[bytes]:
        """See ``MediaStorage``."""
        with open(self.path(key), "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def remove(self, keys: Sequence[str]) -> None:
        """See ``MediaStorage``."""
        try:
            for key in keys:
                Path(self.path(key)).unlink(missing_ok=True)
        except OSError as exc:
            raise disk_trouble(exc, Path(self.location)) from exc

    def leftovers(self, before: datetime, *, remove: bool) -> int:
        """See ``MediaStorage``. Here: what a killed worker left in the scratch folder."""
        count = 0
        for entry in _entries(Path(self.location) / ".incoming"):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime >= before.timestamp():
                    continue
                count += 1
                if remove:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        return count


def _walk(folder: Path, prefix: str) -> Iterator[StoredObject]:
    """Files below, in the order of their keys' bytes; hidden ones are our own affairs."""
    entries = [(entry, entry.is_dir()) for entry in _entries(folder)]
    # A folder's name counts with the slash that follows it: "a.jpg" is before "a/b.jpg".
    entries.sort(key=lambda pair: os.fsencode(pair[0].name) + b"/" * pair[1])
    for entry, is_folder in entries:
        if entry.name.startswith("."):
            continue
        if is_folder:
            yield from _walk(entry, f"{prefix}{entry.name}/")
            continue
        with contextlib.suppress(FileNotFoundError):
            yield _described(entry, prefix + entry.name)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _described(path: Path, key: str) -> StoredObject:
    found = path.stat()
    return StoredObject(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _flush(path: Path) -> None:
    """Have the disk write down what it has been given: a file's bytes, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sign(key: str, expires: int) -> str:
    secret = hashlib.sha256(b"media link" + settings.SECRET_KEY.encode()).digest()
    mac = hmac.digest(secret, f"{expires}:{key}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac[:18]).decode()


def disk_trouble(exc: OSError, folder: Path) -> NotNow:
    """What to say, and when to try again, after the disk refused a write."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = f"The disk of MEDIA_ROOT ({folder}) is full: make room or move MEDIA_ROOT."
    else:
        reason = f"Can't write to MEDIA_ROOT ({folder}): {exc.strerror}."
    return NotNow(reason, wait=STORAGE_PAUSE)

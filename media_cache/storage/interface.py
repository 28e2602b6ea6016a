"""What the media cache asks of a storage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from django.conf import settings
from django.core.files.storage import storages

# Seconds until a row whose copy could not be written is tried again.
STORAGE_PAUSE = 3.0 * settings.WORK_BACKOFF_SECONDS


@dataclass(frozen=True, slots=True)
class Links:
    """Links by object key, and when they all end."""

    urls: dict[str, str]
    expire_at: datetime


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the storage knows it. ``size`` in bytes; ``modified`` by the storage's clock."""

    key: str
    size: int
    modified: datetime


class MediaStorage(Protocol):
    """What the media cache asks of a storage, besides Django's own methods.

    Everything raises NotNow where the storage can't do it now.
    """

    def put(self, key: str, path: Path, content_type: str, sha256: str) -> None:
        """Store the file under ``key``, whole or not at all; it may be moved away.

        ``path`` is in ``scratch_folder()``.
        """

    def links(self, keys: Iterable[str]) -> Links:
        """Signed, expiring links; the same ones for a while, so that browsers can cache."""

    def check(self) -> None:
        """Raise NotNow with a reason if nothing can be stored right now."""

    def stat(self, key: str) -> StoredObject | None:
        """The object under ``key``; None if there is none."""

    def listing(self) -> Iterator[StoredObject]:
        """Every object, ordered by the bytes of its key; in constant memory."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """The object's bytes, a megabyte at a time at most. Raises FileNotFoundError."""

    def remove(self, keys: Sequence[str]) -> None:
        """Delete these objects, up to 1000; those that are not there are no error."""

    def leftovers(self, before: datetime, *, remove: bool) -> int:
        """How many uploads were begun before that moment and never came to an end.

        ``remove``: and give their space back.
        """

    def exists(self, name: str) -> bool: ...

    def delete(self, name: str) -> None: ...

    def open(self, name: str, mode: str = "rb") -> Any: ...


def media_storage() -> MediaStorage:
    """The storage that is configured."""
    return cast(MediaStorage, storages["media"])


def scratch_folder() -> Path:
    """A folder for files on their way, on the same disk as the copies when these are files."""
    folder = Path(settings.MEDIA_ROOT) / ".incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""A large file as parts that are sent from the disk, never from memory."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PART_BYTES = 16 * 1024**2
MOST_PARTS = 10_000  # of one object, on every S3 service
_READ = 1024**2


class FilePart(io.RawIOBase):
    """``size`` bytes of a file from ``start``, as a file of its own that can be sent again."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        super().__init__()
        self.size = size
        self._start = start
        self._at = 0
        self._file = path.open("rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")[: max(0, self.size - self._at)]
        self._file.seek(self._start + self._at)
        count = self._file.readinto(view)
        self._at += count
        return int(count)

    def digest(self, *others: hashlib._Hash) -> str:
        """The part's SHA-256 in base64; its bytes are also fed to ``others``."""
        own = hashlib.sha256()
        self.seek(0)
        while chunk := self.read(_READ):
            for each in (own, *others):
                each.update(chunk)
        self.seek(0)
        return base64.b64encode(own.digest()).decode()

    def close(self) -> None:
        self._file.close()
        super().close()


def parts_of(path: Path) -> Iterator[FilePart]:
    """The file from its start to its end; each part is closed when the next is asked for."""
    total = path.stat().st_size
    size = max(PART_BYTES, -(-total // MOST_PARTS))
    for start in range(0, total, size):
        with FilePart(path, start, min(size, total - start)) as part:
            yield part

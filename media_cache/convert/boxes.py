"""The boxes of an ISO media file (ISO/IEC 14496-12), read one by one from a hostile file.

Nothing is believed: a box lies within its parent or is an error, no box is read in full that
isn't small, and the number of boxes looked at is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from media_cache.convert.errors import MediaRejected

MOST_BOXES = 20_000


@dataclass(frozen=True)
class Box:
    """``start`` and ``end`` are offsets in the file, of the content without its header."""

    kind: bytes
    start: int
    end: int


class BoxFile:
    """An open file of ``size`` bytes, seen as boxes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self._file = file
        self._seen = 0

    def top(self) -> Iterator[Box]:
        """The outermost boxes. Raises ``MediaRejected`` where one isn't there in full."""
        return self.children(Box(b"", 0, self.size))

    def children(self, parent: Box, *, skip: int = 0) -> Iterator[Box]:
        """The boxes within ``parent``, ``skip`` bytes after its start."""
        at = parent.start + skip
        while at + 8 <= parent.end:
            box = self._box(at, parent)
            yield box
            at = box.end
        if at != parent.end and parent.kind == b"":
            raise MediaRejected("truncated", "the file ends early: within a box's header")

    def read(self, box: Box, count: int, *, offset: int = 0) -> bytes:
        """At most ``count`` bytes of the box's content, from ``offset``."""
        start = box.start + offset
        self._file.seek(start)
        return self._file.read(max(0, min(count, box.end - start)))

    def _box(self, at: int, parent: Box) -> Box:
        self._seen += 1
        if self._seen > MOST_BOXES:
            raise MediaRejected("decode_failed", "the file has more boxes than any film")
        self._file.seek(at)
        head = self._file.read(16)
        size, header = int.from_bytes(head[:4]), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16]), 16
        elif size == 0:
            size = parent.end - at
        if size < header:
            raise MediaRejected("decode_failed", f"the file is malformed: a box of {size} bytes")
        if at + size > parent.end:
            code = "truncated" if parent.kind == b"" else "decode_failed"
            raise MediaRejected(code, f"the file ends early: within a box {head[4:8]!a}")
        return Box(head[4:8], at + header, at + size)

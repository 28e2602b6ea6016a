"""What the parsers of the single formats have in common."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int]


class Rejected(Exception):
    """The file can't be kept. ``code`` is a stable snake_case word."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Structure:
    """A file that is complete, as far as its structure tells.

    ``clean`` is the file without metadata and without what trails behind its end; None where
    nothing had to go, so that the file can be kept byte for byte. ``metadata`` says whether
    anything that could tell an orientation was among it.
    """

    width: int
    height: int
    clean: bytes | None
    metadata: bool
    animated: bool = False
    components: int = 3
    lossless: bool = False


def truncated(why: str) -> Rejected:
    return Rejected("truncated", f"the file ends early: {why}")


def malformed(why: str) -> Rejected:
    return Rejected("decode_failed", f"the file is malformed: {why}")


def join(data: bytes, spans: list[Span]) -> bytes | None:
    """The kept spans as one, or None if together they are the whole of ``data``."""
    at = 0
    for start, end in spans:
        if start != at:
            break
        at = end
    else:
        if at == len(data):
            return None
    view = memoryview(data)
    return b"".join(view[start:end] for start, end in spans)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises ``Rejected`` for a picture of no size, or of more pixels than are allowed."""
    if width < 1 or height < 1:
        raise malformed(f"{width} x {height} pixels")
    if width * height > max_pixels:
        raise Rejected("too_many_pixels", f"{width} x {height} pixels are over the limit")

"""GIF taken apart by its blocks (GIF89a specification).

Kept: the pictures, their controls and the loop count. Dropped: comments, XMP and every other
application's data, and everything behind the end.
"""

from __future__ import annotations

from media_cache.decoder.structure import Span, Structure, join, malformed, truncated

_TRAILER, _EXTENSION, _PICTURE = 0x3B, 0x21, 0x2C
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def parse(data: bytes) -> Structure:
    """The size is that of the screen, or of a picture that is larger than it.

    Raises ``Rejected`` (``truncated``, ``decode_failed``).
    """
    if len(data) < 13:
        raise truncated("within the header")
    width, height = _number(data, 6), _number(data, 8)
    at = 13 + _palette(data[10])
    spans: list[Span] = [(0, at)]
    pictures, metadata = 0, False
    while (kind := _byte(data, at)) != _TRAILER:
        start = at
        if kind == _PICTURE:
            pictures += 1
            right, bottom, at = _picture(data, at)
            width, height = max(width, right), max(height, bottom)
        elif kind == _EXTENSION:
            kept = _is_kept(data, at)
            metadata = metadata or not kept
            at = _sub_blocks_end(data, at + 2)
            if not kept:
                continue
        else:
            raise malformed(f"no block at byte {at}")
        spans.append((start, at))
    if pictures == 0:
        raise malformed("there is no picture in it")
    spans.append((at, at + 1))
    return Structure(width, height, join(data, spans), metadata, pictures > 1, lossless=True)


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise truncated("there is no trailer")
    return data[at]


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _palette(flags: int) -> int:
    """Length in bytes of the colour table that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _picture(data: bytes, at: int) -> tuple[int, int, int]:
    """Right and bottom edge of the picture at ``at``, and where its data ends."""
    flags = _byte(data, at + 9)
    right = _number(data, at + 1) + _number(data, at + 5)
    bottom = _number(data, at + 3) + _number(data, at + 7)
    return right, bottom, _sub_blocks_end(data, at + 10 + _palette(flags) + 1)


def _is_kept(data: bytes, at: int) -> bool:
    label = _byte(data, at + 1)
    if label == _APPLICATION:
        return data[at + 3 : at + 14] in _LOOPS
    return label != _COMMENT


def _sub_blocks_end(data: bytes, at: int) -> int:
    while length := _byte(data, at):
        at += 1 + length
    return at + 1

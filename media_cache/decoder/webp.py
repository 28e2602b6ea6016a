"""WebP taken apart by its chunks (RFC 9649).

Kept: the picture or animation, alpha, the ICC profile. Dropped: EXIF, XMP, unknown chunks, and
everything behind the end that the header states.
"""

from __future__ import annotations

from media_cache.decoder.structure import Span, Structure, join, malformed, truncated

_KEPT = frozenset((b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"))
_METADATA = {b"EXIF": 0x08, b"XMP ": 0x04}
_FIRST = 20  # where the first chunk's content begins; VP8X must be the first
_START_CODE = b"\x9d\x01\x2a"


def parse(data: bytes) -> Structure:
    """Raises ``Rejected`` (``truncated``, ``decode_failed``)."""
    stop = 8 + int.from_bytes(data[4:8], "little")
    if stop > len(data):
        raise truncated(f"{len(data)} of {stop} bytes")
    spans: list[Span] = [(0, 12)]
    chunks: dict[bytes, Span] = {}
    metadata, at = False, 12
    while at < stop:
        kind, end = _chunk(data, at, stop)
        if kind in _KEPT:
            spans.append((at, end))
            chunks.setdefault(kind, (at + 8, end))
        metadata = metadata or kind in _METADATA
        at = end
    width, height = _size(data, chunks)
    clean = join(data, spans)
    if clean is not None:
        clean = _mended(clean, extended=b"VP8X" in chunks)
    lossless = b"VP8L" in chunks
    return Structure(width, height, clean, metadata, b"ANMF" in chunks, lossless=lossless)


def _chunk(data: bytes, at: int, stop: int) -> tuple[bytes, int]:
    if at + 8 > stop:
        raise truncated("within a chunk's header")
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    end = at + 8 + size + (size & 1)
    if end > stop:
        raise truncated(f"within a chunk {data[at : at + 4]!a}")
    return data[at : at + 4], end


def _size(data: bytes, chunks: dict[bytes, Span]) -> tuple[int, int]:
    """Width and height in pixels, of the canvas where there is one."""
    if b"VP8X" in chunks:
        at, end = chunks[b"VP8X"]
        if end - at < 10 or at != _FIRST or chunks.keys().isdisjoint((b"VP8 ", b"VP8L", b"ANMF")):
            raise malformed("there is no picture in it")
        width, height = data[at + 4 : at + 7], data[at + 7 : at + 10]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if b"VP8 " in chunks:
        return _lossy_size(data, *chunks[b"VP8 "])
    if b"VP8L" in chunks:
        return _lossless_size(data, *chunks[b"VP8L"])
    raise malformed("there is no picture in it")


def _lossy_size(data: bytes, at: int, end: int) -> tuple[int, int]:
    """From a VP8 key frame (RFC 6386, 9.1), whose first partition must fit in."""
    if end - at < 10 or data[at] & 1 or data[at + 3 : at + 6] != _START_CODE:
        raise malformed("no key frame")
    partition = int.from_bytes(data[at : at + 3], "little") >> 5
    if at + 10 + partition > end:
        raise truncated("within the first partition")
    width, height = data[at + 6 : at + 8], data[at + 8 : at + 10]
    return int.from_bytes(width, "little") & 0x3FFF, int.from_bytes(height, "little") & 0x3FFF


def _lossless_size(data: bytes, at: int, end: int) -> tuple[int, int]:
    if end - at < 5 or data[at] != 0x2F:
        raise malformed("no lossless picture")
    bits = int.from_bytes(data[at + 1 : at + 5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _mended(clean: bytes, *, extended: bool) -> bytes:
    """The kept chunks with the total size, and the flags for what is gone, put right."""
    mended = bytearray(clean)
    mended[4:8] = (len(clean) - 8).to_bytes(4, "little")
    if extended:
        mended[_FIRST] &= ~sum(_METADATA.values()) & 0xFF
    return bytes(mended)

"""PNG taken apart by its chunks (W3C PNG, third edition).

Kept: what changes how the picture looks. Dropped: text, EXIF, time, chunks nobody registered,
ancillary chunks with a wrong checksum, and everything behind the end.
"""

from __future__ import annotations

import zlib

from media_cache.decoder.structure import Span, Structure, join, malformed, truncated

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"fdAT", b"fcTL", b"acTL"))
_KEPT = _CRITICAL | {
    b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"bKGD", b"hIST", b"pHYs", b"sPLT",
    b"cICP", b"mDCV", b"mDCv", b"cLLI", b"cLLi",
}  # fmt: skip
_METADATA = frozenset((b"eXIf", b"tEXt", b"zTXt", b"iTXt"))


def parse(data: bytes) -> Structure:
    """Raises ``Rejected`` (``truncated``, ``decode_failed``)."""
    spans: list[Span] = [(0, len(_SIGNATURE))]
    kinds: set[bytes] = set()
    kind, at = b"", len(_SIGNATURE)
    while kind != b"IEND":
        kind, end = _chunk(data, at)
        if not kinds and kind != b"IHDR":
            raise malformed("the first chunk is not IHDR")
        if kind in _KEPT and _is_sound(data, kind, at, end):
            spans.append((at, end))
        elif kind not in _KEPT and not kind[0] & 0x20:
            raise malformed(f"an unknown critical chunk {kind!a}")
        kinds.add(kind)
        at = end
    if b"IDAT" not in kinds:
        raise malformed("there is no picture in it")
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return Structure(
        width,
        height,
        join(data, spans),
        metadata=not kinds.isdisjoint(_METADATA),
        animated=b"acTL" in kinds,
        lossless=True,
    )


def _chunk(data: bytes, at: int) -> tuple[bytes, int]:
    """Type and end of the chunk that begins at ``at``."""
    if at + 12 > len(data):
        raise truncated("there is no IEND chunk")
    length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
    if length > 0x7FFFFFFF or not kind.isalpha():
        raise malformed(f"no chunk at byte {at}")
    if at + 12 + length > len(data):
        raise truncated(f"within a chunk {kind!a}")
    if kind == b"IHDR" and length != 13:
        raise malformed("an IHDR chunk of a wrong length")
    return kind, at + 12 + length


def _is_sound(data: bytes, kind: bytes, at: int, end: int) -> bool:
    checksum = zlib.crc32(memoryview(data)[at + 4 : end - 4])
    if checksum == int.from_bytes(data[end - 4 : end]):
        return True
    if kind in _CRITICAL:
        raise malformed(f"a chunk {kind!a} with a wrong checksum")
    return False

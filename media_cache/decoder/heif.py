"""HEIF's outermost boxes (ISO/IEC 14496-12), looked at before libheif gets to see the file.

libheif takes a file whose picture data end early for whole, where the end is grey (seen with
1.23): so the boxes have to be there in full.
"""

from __future__ import annotations

from media_cache.decoder.structure import malformed, truncated

_NEAR_THE_START = 64 * 1024


def check(data: bytes) -> None:
    """Raises ``Rejected`` (``truncated``, ``decode_failed``)."""
    at, kinds = 0, set()
    while at < len(data):
        kind, end = _box(data, at)
        if end > len(data):
            raise truncated(f"within a box {kind!a}")
        kinds.add(kind)
        at = end
    if b"meta" not in kinds and b"moov" not in kinds:
        raise truncated("it has no list of its pictures")


def nclx(data: bytes) -> dict[str, int] | None:
    """The numbers (ITU-T H.273) by which a ``colr`` box names its primaries and its curve.

    Pillow's AVIF plugin doesn't tell them.
    """
    at = data.find(b"colrnclx", 0, _NEAR_THE_START)
    if at < 0 or at + 12 > len(data):
        return None
    return {
        "color_primaries": int.from_bytes(data[at + 8 : at + 10]),
        "transfer_characteristics": int.from_bytes(data[at + 10 : at + 12]),
    }


def _box(data: bytes, at: int) -> tuple[bytes, int]:
    """Type and end of the box that begins at ``at``."""
    if at + 8 > len(data):
        raise truncated("within a box's header")
    size, header = int.from_bytes(data[at : at + 4]), 8
    if size == 0:
        return data[at + 4 : at + 8], len(data)
    if size == 1:
        size, header = int.from_bytes(data[at + 8 : at + 16]), 16
    if size < header:
        raise malformed(f"a box of {size} bytes")
    return data[at + 4 : at + 8], at + size

"""A small real MP4: H.264 of one flat colour, written bit by bit, because no encoder is at hand.

The picture is one I_PCM macroblock that carries the colour, and DC-predicted neighbours that repeat
it (one byte each); every later frame says "nothing changed". Source of the syntax: ITU-T H.264
(7.3.2 to 7.3.5, 9.2) for the stream, ISO/IEC 14496-12 and -15 for the boxes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clip:
    """What to make: even multiples of 16 for the size, YCbCr colour, padding bytes on top."""

    width: int
    height: int
    duration_ms: int
    colour: tuple[int, int, int]
    padding: int
    name: str


FRAME_MS = 200
"""Five frames a second."""


class _Bits:
    """Most significant bit first, with the Exp-Golomb codes of H.264 9.1."""

    def __init__(self) -> None:
        self.bits: list[str] = []

    def u(self, width: int, value: int) -> None:
        self.bits.append(f"{value:0{width}b}")

    def ue(self, value: int) -> None:
        code = f"{value + 1:b}"
        self.bits.append("0" * (len(code) - 1) + code)

    def se(self, value: int) -> None:
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def align_zero(self) -> None:
        self.bits.append("0" * (-sum(map(len, self.bits)) % 8))

    def nal(self, header: int) -> bytes:
        """Close with the stop bit, escape start codes, put the header in front."""
        text = "".join(self.bits) + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8, "big")
        out, zeros = bytearray([header]), 0
        for byte in raw:
            if zeros >= 2 and byte <= 3:
                out.append(3)
                zeros = 0
            out.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return bytes(out)


def _sps(clip: Clip) -> bytes:
    bits = _Bits()
    for width, value in ((8, 66), (8, 0xC0), (8, 31)):
        bits.u(width, value)
    for value in (0, 0, 2, 1):  # id, log2_max_frame_num - 4, order type 2, one reference
        bits.ue(value)
    bits.u(1, 0)
    bits.ue(clip.width // 16 - 1)
    bits.ue(clip.height // 16 - 1)
    for flag in (1, 1, 0, 0):  # frames only, 8x8 inference, no cropping, no VUI
        bits.u(1, flag)
    return bits.nal(0x67)


def _pps() -> bytes:
    bits = _Bits()
    for value in (0, 0):
        bits.ue(value)
    bits.u(2, 0)
    bits.ue(0)
    for value in (0, 0):
        bits.ue(value)
    bits.u(3, 0)
    for value in (0, 0, 0):
        bits.se(value)
    bits.u(3, 0b100)  # deblocking control present, so that it can be turned off
    return bits.nal(0x68)


def _slice_head(frame: int, kind: int, *, idr: bool) -> _Bits:
    bits = _Bits()
    for value in (0, kind, 0):
        bits.ue(value)
    bits.u(4, frame % 16)
    if idr:
        bits.ue(0)
        bits.u(2, 0)
    else:
        bits.u(3, 0)  # no override of references, no reordering, no marking
    bits.se(0)
    bits.ue(1)
    return bits


def _key_frame(clip: Clip) -> bytes:
    bits = _slice_head(0, 7, idr=True)
    bits.ue(25)  # I_PCM
    bits.align_zero()
    luma, blue, red = clip.colour
    for value, count in ((luma, 256), (blue, 64), (red, 64)):
        bits.bits.append(f"{value:08b}" * count)
    columns, rows = clip.width // 16, clip.height // 16
    for index in range(1, columns * rows):
        # Next to the PCM block "no coefficients" is coded as for a neighbour with 16 of them.
        beside_pcm = index in (1, columns)
        bits.bits.append("0010011" + ("000011" if beside_pcm else "1"))
    return bits.nal(0x65)


def _still_frame(clip: Clip, frame: int) -> bytes:
    bits = _slice_head(frame, 5, idr=False)
    bits.ue((clip.width // 16) * (clip.height // 16))
    return bits.nal(0x41)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _sample_entry(clip: Clip) -> bytes:
    sps, pps = _sps(clip), _pps()
    config = b"\x01" + sps[1:4] + b"\xff\xe1" + struct.pack(">H", len(sps)) + sps
    config += b"\x01" + struct.pack(">H", len(pps)) + pps
    head = struct.pack(">6xH16xHHIIIH32sHh", 1, clip.width, clip.height, 0x480000, 0x480000, 0,
                       1, b"", 24, -1)  # fmt: skip
    return _box(b"avc1", head, _box(b"avcC", config))


def _movie(clip: Clip, sizes: list[int], offset: int) -> bytes:
    count, length = len(sizes), len(sizes) * FRAME_MS
    table = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), _sample_entry(clip)),
        _full(b"stts", struct.pack(">III", 1, count, FRAME_MS)),
        _full(b"stss", struct.pack(">II", 1, 1)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, count, 1)),
        _full(b"stsz", struct.pack(f">II{count}I", 0, count, *sizes)),
        _full(b"stco", struct.pack(">II", 1, offset)),
    )
    reference = _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))
    media = _box(b"minf", _full(b"vmhd", bytes(8), flags=1), _box(b"dinf", reference), table)
    track = _box(
        b"trak",
        _full(b"tkhd", struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, length, 0, 0, 0, 0), _MATRIX,
              struct.pack(">II", clip.width << 16, clip.height << 16), flags=7),
        _box(b"mdia",
             _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 1000, length, 0x55C4, 0)),
             _full(b"hdlr", struct.pack(">I4s12x", 0, b"vide"), b"video\x00"),
             media),
    )  # fmt: skip
    head = struct.pack(">IIIIIH10x", 0, 0, 1000, length, 0x10000, 0x100)
    return _box(b"moov", _full(b"mvhd", head, _MATRIX, bytes(24), struct.pack(">I", 2)), track)


def mp4(clip: Clip) -> bytes:
    """The file: ``ftyp moov mdat free``; its duration is a whole number of frames, rounded up."""
    count = max(1, -(-clip.duration_ms // FRAME_MS))
    frames = [_key_frame(clip), *(_still_frame(clip, frame) for frame in range(1, count))]
    samples = [struct.pack(">I", len(frame)) + frame for frame in frames]
    kind = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    sizes = [len(sample) for sample in samples]
    offset = len(kind) + len(_movie(clip, sizes, 0)) + 8
    padding = hashlib.shake_256(clip.name.encode()).digest(clip.padding)
    return kind + _movie(clip, sizes, offset) + _box(b"mdat", *samples) + _box(b"free", padding)

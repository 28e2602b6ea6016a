"""Size, duration and codec of a film, from its container, without decoding it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from media_cache.convert.boxes import Box, BoxFile
from media_cache.convert.errors import MediaRejected

_LONGEST_MS = 7 * 24 * 3600 * 1000
_MOST_TRACKS = 64
_LARGEST_TABLE = 32 * 1024 * 1024


@dataclass(frozen=True)
class VideoInfo:
    """What the container claims, where it can be true; None where it is unknown.

    ``width`` and ``height`` are in pixels as shown, with the track's rotation applied. ``codec``
    is the video track's four characters (``avc1``, ``hvc1``); ``audio_codec`` the first sound's.
    """

    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    codec: str | None = None
    audio_codec: str | None = None


def inspect_video(path: Path) -> VideoInfo:
    """Look at an MP4, QuickTime or 3GPP file of any size; a few kilobytes of it are read.

    A file of another kind has no facts to tell and comes back empty. Raises ``MediaRejected``:
    ``truncated`` where data are missing that the container announces, ``decode_failed`` where it
    contradicts itself.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(12)
        if size < 8:
            raise MediaRejected("truncated", f"a video of {size} bytes")
        if not head[4:8].isalnum() or head.startswith((b"\x1aE", b"ID3", b"RIFF")):
            return VideoInfo()
        return _inspect(file, size)


def _inspect(file: BinaryIO, size: int) -> VideoInfo:
    boxes = BoxFile(file, size)
    movie, fragments, data = None, False, False
    for box in boxes.top():
        movie = box if box.kind == b"moov" else movie
        fragments = fragments or box.kind == b"moof"
        data = data or box.kind == b"mdat"
    if movie is None:
        raise MediaRejected("truncated", "the video's index (moov) is missing")
    if not data:
        raise MediaRejected("truncated", "the video's data (mdat) are missing")
    return _movie(boxes, movie, fragments)


def _movie(boxes: BoxFile, movie: Box, fragments: bool) -> VideoInfo:
    found, tracks = VideoInfo(), 0
    for box in boxes.children(movie):
        if box.kind == b"mvhd":
            found = replace(found, duration_ms=_duration(boxes.read(box, 32)))
        elif box.kind == b"trak":
            tracks += 1
            if tracks > _MOST_TRACKS:
                raise MediaRejected("decode_failed", "the video has more tracks than any film")
            found = _with_track(found, boxes, box, fragments)
    if tracks == 0:
        raise MediaRejected("decode_failed", "the video has no tracks")
    return found


def _with_track(found: VideoInfo, boxes: BoxFile, track: Box, fragments: bool) -> VideoInfo:
    parts = _parts(boxes, track, (b"tkhd", b"mdia"))
    parts |= _parts(boxes, parts.get(b"mdia"), (b"hdlr", b"mdhd", b"minf"))
    parts |= _parts(boxes, parts.get(b"minf"), (b"stbl",))
    parts |= _parts(boxes, parts.get(b"stbl"), (b"stsd", b"stco", b"co64"))
    if not fragments:
        _check_offsets(boxes, parts)
    if not {b"hdlr", b"stsd"} <= parts.keys():
        return found
    handler = boxes.read(parts[b"hdlr"], 12)[8:12]
    sample = boxes.read(parts[b"stsd"], 8 + 8 + 28)
    codec = _name(sample[12:16])
    if handler == b"soun" and found.audio_codec is None:
        found = replace(found, audio_codec=codec)
    if handler == b"vide" and found.codec is None:
        width, height = _shown(boxes.read(parts[b"tkhd"], 96) if b"tkhd" in parts else b"", sample)
        found = replace(found, codec=codec, width=width, height=height)
    if found.duration_ms is None and b"mdhd" in parts:
        found = replace(found, duration_ms=_duration(boxes.read(parts[b"mdhd"], 32)))
    return found


def _parts(boxes: BoxFile, parent: Box | None, kinds: tuple[bytes, ...]) -> dict[bytes, Box]:
    """The first child of each kind."""
    found: dict[bytes, Box] = {}
    if parent is not None:
        for box in boxes.children(parent):
            if box.kind in kinds:
                found.setdefault(box.kind, box)
    return found


def _duration(header: bytes) -> int | None:
    """Milliseconds from an mvhd or mdhd box, None where they are unknown or absurd."""
    if len(header) < 20:
        return None
    if header[0] == 1:
        scale, length, unknown = header[20:24], header[24:32], b"\xff" * 8
    else:
        scale, length, unknown = header[12:16], header[16:20], b"\xff" * 4
    if not int.from_bytes(scale) or length in (unknown, b""):
        return None
    milliseconds = int.from_bytes(length) * 1000 // int.from_bytes(scale)
    return milliseconds if 0 < milliseconds <= _LONGEST_MS else None


def _shown(header: bytes, sample: bytes) -> tuple[int | None, int | None]:
    """Width and height as shown: the track's (16.16 fixed point), else the sample's."""
    at = 88 if header[:1] == b"\1" else 76
    width, height = int.from_bytes(header[at : at + 2]), int.from_bytes(header[at + 4 : at + 6])
    if not width or not height:
        width, height = int.from_bytes(sample[40:42]), int.from_bytes(sample[42:44])
    a, b, _, c, d = (int.from_bytes(header[at - 36 + 4 * n : at - 32 + 4 * n]) for n in range(5))
    if a == 0 and d == 0 and b and c:  # a quarter turn
        width, height = height, width
    return width or None, height or None


def _check_offsets(boxes: BoxFile, parts: dict[bytes, Box]) -> None:
    """No chunk of samples begins behind the file's end."""
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        if kind not in parts:
            continue
        box = parts[kind]
        count = int.from_bytes(boxes.read(box, 4, offset=4))
        if 8 + count * width > box.end - box.start or count * width > _LARGEST_TABLE:
            raise MediaRejected("decode_failed", "the video's index is larger than its box")
        last = boxes.read(box, width, offset=8 + (count - 1) * width) if count else b""
        if int.from_bytes(last) >= boxes.size:
            raise MediaRejected("truncated", "the file ends early: samples are missing")


def _name(code: bytes) -> str | None:
    """A four-character code as text, None where it is none."""
    text = code.decode("latin-1").strip()
    return text if text.isascii() and text.isprintable() and text else None

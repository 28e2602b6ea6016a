"""HEVC pictures decoded by FFmpeg, in two thirds of the time that libheif's decoder takes.

libheif stays the judge of the file: it has opened it, and says what the picture is. FFmpeg gets
nothing but the coded pictures of a plain file, and whatever is odd about them is left to libheif.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import av
from av.video.reformatter import Colorspace, VideoReformatter
from PIL import Image

from media_cache.decoder import items

# By their number in ITU-T H.273; 5 and 6 are the same matrix. 2 is said where nothing is known.
_MATRICES = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601}
_UNSAID = 2
_FULL_RANGE = 2  # FFmpeg's number; 0 is unsaid
# Above, the frames beside the picture could take all the memory that a decoder may use.
_MOST_PIXELS = 25_000_000
_EDGE = 64  # pixels by which a coded picture is larger at most than what is shown of it


def decoded(data: bytes, image: Image.Image) -> Image.Image | None:
    """The pixels of ``image``, which libheif has opened from ``data`` and not decoded yet.

    None where that is left to libheif.
    """
    info = image.info
    if image.mode != "RGB" or info.get("chroma") != 420 or info.get("bit_depth") != 8:
        return None
    coded = items.plain(data)
    if coded is None or coded.size != image.size or image.width * image.height > _MOST_PIXELS:
        return None
    try:
        frames = _frames(coded)
        matrices = {_matrix(frame, info.get("nclx_profile")) for frame in frames}
        if len(matrices) != 1 or (matrix := matrices.pop()) is None:
            return None
        return _assembled(coded, frames, matrix)
    except (av.FFmpegError, ValueError):
        return None


def _frames(coded: items.Coded) -> list[av.VideoFrame]:
    """A frame for each piece; none at all if any isn't whole or as large as it was said to be."""
    width, height = coded.piece_size
    codec = av.VideoCodecContext.create("hevc", "r")
    codec.extradata = coded.configuration
    codec.thread_count = 1
    codec.options = {
        "err_detect": "explode",
        "max_pixels": str((width + _EDGE) * (height + _EDGE)),
    }
    frames: list[av.VideoFrame] = []
    for piece in coded.pieces:
        frames += codec.decode(av.Packet(piece))
    frames += codec.decode(None)
    whole = len(frames) == len(coded.pieces) and not any(frame.is_corrupt for frame in frames)
    fits = all((frame.width, frame.height) == coded.piece_size for frame in frames)
    return frames if whole and fits else []


def _matrix(frame: av.VideoFrame, nclx: Mapping[str, Any] | None) -> Colorspace | None:
    """How its colours are coded, by the file's numbers and else its own.

    None where these contradict each other or neither says, and for all that isn't of full range:
    FFmpeg's fast way to RGB would make it darker by two levels.
    """
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        return None
    own = _MATRICES.get(frame.colorspace)
    if nclx is None:
        return own if frame.color_range == _FULL_RANGE else None
    named = _MATRICES.get(nclx["matrix_coefficients"])
    agrees = frame.colorspace == _UNSAID or own == named
    full = nclx["full_range_flag"] == 1 and frame.color_range in (0, _FULL_RANGE)
    return named if agrees and full else None


def _assembled(coded: items.Coded, frames: list[av.VideoFrame], matrix: Colorspace) -> Image.Image:
    """All pieces as RGB in one picture, each value within two levels of what libheif makes."""
    reformatter, picture = VideoReformatter(), Image.new("RGB", coded.size)
    for number, frame in enumerate(frames):
        row, column = divmod(number, coded.columns)
        rgb = reformatter.reformat(
            frame,
            format="rgb24",
            src_colorspace=matrix,
            src_color_range=_FULL_RANGE,
            dst_color_range=_FULL_RANGE,
            threads=1,
        )
        size, plane = (rgb.width, rgb.height), rgb.planes[0]
        lines = (plane, "raw", "RGB", plane.line_size, 1)
        piece = Image.frombuffer("RGB", size, *lines)  # type: ignore[arg-type]  # any buffer does
        picture.paste(piece, (column * rgb.width, row * rgb.height))
    return picture

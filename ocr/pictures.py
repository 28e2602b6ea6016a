"""Decode a stored picture into upright RGB pixels, or say why it can't be done.

Pictures come from strangers. Their claimed size is looked at before any pixel is decoded, and
every way a decoder may fail becomes one error with a code.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pillow_heif
from PIL import Image, ImageOps, ImageStat

from carousel.lib.errors import UpstreamError

pillow_heif.register_heif_opener()

MAX_PIXELS: Final = 50_000_000
"""Pixels a picture may claim to have; a 12-megapixel photo is a quarter of it."""

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF")
"""Decoders that are offered the file; what a photo post is made of, and nothing that scripts."""

DECODE_FAILURES: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow and its plugins were seen to raise on broken and hostile files."""

_ORIENTATION: Final = 0x0112

_HEIF_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
)


def sniff(content: bytes) -> str:
    """Return the MIME type of an image by its first bytes, "" where they tell nothing."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return _sniff_box(content)


def _sniff_box(content: bytes) -> str:
    """Tell HEIC, HEIF and AVIF apart by the brands in the ISO media header (ISO/IEC 23008-12)."""
    if content[4:8] != b"ftyp":
        return ""
    size = min(int.from_bytes(content[:4], "big"), 256)
    brands = {content[8:12], *(content[i : i + 4] for i in range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if brands & _HEIF_BRANDS:
        return "image/heic"
    return "image/heif" if brands & {b"mif1", b"msf1"} else ""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a picture tell without decoding it."""

    content_type: str
    width: int
    height: int
    upright: bool


def inspect(content: bytes) -> Header | None:
    """Return what the header says, None where the file is not a picture we decode."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            turned = picture.getexif().get(_ORIENTATION, 1) not in (0, 1)
            return Header(sniff(content), *picture.size, upright=not turned)
    except DECODE_FAILURES:
        return None


def decode(
    content: bytes, *, max_side: int | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Return the first frame as an upright RGB picture, at most ``max_side`` pixels long.

    Transparency is laid over white or black, whichever the visible part stands out from.
    Raises ``UpstreamError`` ``unreadable_image`` (broken) or ``image_too_large`` (claims more
    than ``max_pixels``); neither gets better by trying again.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise too_large(width, height, max_pixels)
            if max_side is not None and picture.format in ("JPEG", "MPO"):
                picture.draft("RGB", (max_side, max_side))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            return _bounded(_rgb(upright), max_side)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UpstreamError(
            "The picture claims more pixels than can be decoded safely.",
            code="image_too_large",
            retryable=False,
        ) from error
    except DECODE_FAILURES as error:
        raise UpstreamError(
            f"The stored file can't be decoded as a picture ({type(error).__name__}). "
            "Fetch the post's media again to replace it.",
            code="unreadable_image",
            retryable=False,
        ) from error


def too_large(width: int, height: int, max_pixels: int) -> UpstreamError:
    """Return the error for a picture that claims more pixels than are allowed."""
    return UpstreamError(
        f"The picture claims {width} x {height} pixels; at most {max_pixels:,} are decoded.",
        code="image_too_large",
        retryable=False,
    )


def encode_jpeg(picture: Image.Image, quality: int) -> bytes:
    """Return the picture as a JPEG file without any metadata."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def load(fetch: Callable[[], bytes]) -> bytes:
    """Call ``fetch`` and turn a file that can't be had into a retryable ``UpstreamError``."""
    try:
        return fetch()
    except OSError as error:
        raise UpstreamError(
            f"The stored file could not be opened ({type(error).__name__}).",
            code="image_missing",
            retryable=True,
        ) from error


def _bounded(picture: Image.Image, max_side: int | None) -> Image.Image:
    if max_side is None or max(picture.size) <= max_side:
        return picture
    scale = max_side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # Sixteen bits per channel: Pillow's own conversion clips instead of scaling.
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("RGB")
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    return _flattened(picture.convert("RGBA"))


def _flattened(picture: Image.Image) -> Image.Image:
    alpha = picture.getchannel("A")
    visible = alpha.point(lambda value: 255 if value else 0)
    luminance = ImageStat.Stat(picture.convert("L"), visible).mean[0] if visible.getbbox() else 0.0
    ground = Image.new("RGB", picture.size, "white" if luminance < 128 else "black")
    ground.paste(picture, (0, 0), alpha)
    return ground

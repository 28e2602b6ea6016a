"""A picture from hostile bytes to what we serve: checked, upright, in sRGB, without metadata."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pillow_heif
from PIL import Image, ImageOps, JpegImagePlugin

from media_cache.decoder import gif, heif, hevc, jpeg, png, webp
from media_cache.decoder.colour import profile_of, to_srgb
from media_cache.decoder.structure import Rejected, Structure, check_size

_ORIENTATION = 0x0112
_SUBSAMPLED = 2  # Pillow's number for 4:2:0
_SMALL = 512 * 512
_SMALL_QUALITY = 95
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# One thread: two decoders fill two cores, and a file can't start more.
pillow_heif.options.DECODE_THREADS = 1
pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False
pillow_heif.register_heif_opener()
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Options:
    """``max_pixels`` bounds width times height; ``thumbnail`` is the side in pixels of the grey
    square that is returned for comparing pictures, 0 for none."""

    max_pixels: int
    quality: int
    progressive: bool
    optimize: bool
    thumbnail: int


@dataclass(frozen=True)
class Result:
    """``body`` is what to keep instead of the file; None keeps the file as it is."""

    content_type: str
    width: int
    height: int
    body: bytes | None
    converted: bool
    animated: bool
    luma: bytes


@dataclass(frozen=True)
class _Format:
    pillow: str
    parse: Callable[[bytes], Structure]


_KEPT = {
    "image/jpeg": _Format("JPEG", jpeg.parse),
    "image/png": _Format("PNG", png.parse),
    "image/apng": _Format("PNG", png.parse),
    "image/webp": _Format("WEBP", webp.parse),
    "image/gif": _Format("GIF", gif.parse),
}
_CONVERTED = {
    "image/heic": "HEIF",
    "image/heif": "HEIF",
    "image/heic-sequence": "HEIF",
    "image/heif-sequence": "HEIF",
    "image/avif": "AVIF",
}


def process(data: bytes, mime: str, options: Options) -> Result:
    """Raises ``Rejected``, and whatever Pillow raises for a file that it can't decode."""
    Image.MAX_IMAGE_PIXELS = options.max_pixels
    if mime in _CONVERTED:
        return _convert(data, _CONVERTED[mime], options)
    if mime in _KEPT:
        return _keep(data, mime, _KEPT[mime], options)
    raise Rejected("unsupported", f"{mime} is no picture that we keep")


def _convert(data: bytes, pillow: str, options: Options) -> Result:
    """HEIC, HEIF or AVIF to JPEG; alpha is flattened on white."""
    heif.check(data)
    with Image.open(io.BytesIO(data), formats=(pillow,)) as image:
        check_size(*image.size, options.max_pixels)
        icc = image.info.get("icc_profile") or profile_of(heif.nclx(data))
        upright = _pixels(image, data, pillow)
        subsampled = image.info.get("chroma") == 420
        ready = to_srgb(_flattened(upright), icc)
    return _as_jpeg(ready, subsampled, options)


def _pixels(image: Image.Image, data: bytes, pillow: str) -> Image.Image:
    """Decoded and turned upright, which libheif does by itself."""
    if pillow == "AVIF":
        return ImageOps.exif_transpose(image)
    if (decoded := hevc.decoded(data, image)) is not None:
        return decoded
    image.load()
    return image


def _keep(data: bytes, mime: str, form: _Format, options: Options) -> Result:
    structure = form.parse(data)
    check_size(structure.width, structure.height, options.max_pixels)
    clean = data if structure.clean is None else structure.clean
    orientation = _orientation(data, form.pillow) if structure.metadata else 1
    with Image.open(io.BytesIO(clean), formats=(form.pillow,)) as image:
        check_size(*image.size, options.max_pixels)
        if structure.components == 4 or (orientation != 1 and not structure.animated):
            return _upright(image, mime, orientation, structure, options)
        luma = _verified(image, form.pillow, options)
    return Result(
        mime,
        structure.width,
        structure.height,
        structure.clean,
        converted=False,
        animated=structure.animated,
        luma=luma,
    )


def _verified(image: Image.Image, pillow: str, options: Options) -> bytes:
    """Decode as much as tells that it can be decoded; the thumbnail, if one is wanted.

    JPEG at an eighth of its size, or the thumbnail's (all of its entropy-coded data is still read),
    PNG in full, GIF
    its first picture, WebP only for a thumbnail: its structure has been checked, and decoding
    costs more than everything else that is done with the file.
    """
    if pillow == "WEBP" and options.thumbnail == 0:
        return b""
    if pillow == "JPEG":
        least = max(options.thumbnail, 1)
        image.draft("L", (max(image.width // 8, least), max(image.height // 8, least)))
    image.load()
    return _luma(image, options.thumbnail)


def _upright(
    image: Image.Image, mime: str, orientation: int, structure: Structure, options: Options
) -> Result:
    """Encoded anew in its own format, with the orientation applied and, for JPEG, in sRGB."""
    icc = image.info.get("icc_profile")
    turned = image.transpose(_TURNS[orientation]) if orientation != 1 else image
    if mime == "image/jpeg":
        subsampled = JpegImagePlugin.get_sampling(image) == _SUBSAMPLED
        return _as_jpeg(to_srgb(_flattened(turned), icc), subsampled, options)
    out = io.BytesIO()
    if mime == "image/webp":
        lossless, quality = structure.lossless, options.quality
        turned.save(out, "WEBP", quality=quality, method=2, lossless=lossless, icc_profile=icc)
    else:
        turned.save(out, "PNG", icc_profile=icc)
    return _encoded(turned, mime, out, options)


def _as_jpeg(image: Image.Image, subsampled: bool, options: Options) -> Result:
    """Colour at half resolution only where it already was. Small pictures get the best quality:
    an icon's sharp edges show every loss, and its bytes cost nothing."""
    small = image.width * image.height < _SMALL
    out = io.BytesIO()
    image.save(
        out,
        "JPEG",
        quality=max(options.quality, _SMALL_QUALITY) if small else options.quality,
        subsampling=_SUBSAMPLED if subsampled and not small else 0,
        progressive=options.progressive,
        optimize=options.optimize,
    )
    return _encoded(image, "image/jpeg", out, options)


def _encoded(image: Image.Image, mime: str, out: io.BytesIO, options: Options) -> Result:
    luma = _luma(image, options.thumbnail)
    return Result(mime, *image.size, out.getvalue(), converted=True, animated=False, luma=luma)


def _flattened(image: Image.Image) -> Image.Image:
    """RGB, grey or CMYK without alpha, in eight bits; what was transparent is white."""
    if image.mode in ("RGB", "L", "CMYK"):
        return image
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        colours = image if image.mode == "RGBA" else image.convert("RGBA")
        paper = Image.new("RGB", colours.size, "white")
        paper.paste(colours, mask=colours)
        return paper
    return image.convert("RGB")


def _luma(image: Image.Image, side: int) -> bytes:
    """``side * side`` grey levels, row by row; transparent is white."""
    if side == 0:
        return b""
    small = image
    if image.mode in ("RGB", "L") and min(image.size) >= 8 * side:
        small = image.reduce(min(image.size) // (4 * side))
    grey = _flattened(small).convert("L")
    return grey.resize((side, side), Image.Resampling.BOX).tobytes()


def _orientation(data: bytes, pillow: str) -> int:
    """What the metadata say, 1 (upright) where they say nothing or nonsense."""
    try:
        with Image.open(io.BytesIO(data), formats=(pillow,)) as image:
            value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - any error in metadata means: there are none
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1

"""Colours brought to sRGB, which is what a JPEG without a profile means."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

from PIL import Image, ImageChops, ImageCms

_SRGB = ImageCms.createProfile("sRGB")
_CACHED = 32
_transforms: dict[tuple[str, bytes], ImageCms.ImageCmsTransform | None] = {}

# Colorants adapted to D50 (Bradford), as an ICC profile wants them, by the number that ITU-T H.273
# gives to a set of primaries: BT.2020 and Display P3. Columns are red, green and blue.
_COLORANTS = {
    9: ((0.67348, 0.27904, -0.00194), (0.16566, 0.67534, 0.02998), (0.12505, 0.04561, 0.79686)),
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
}
_HDR_CURVES = (16, 18)  # PQ and HLG would need tone mapping, which is taste, not conversion
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_D50 = (0.9642, 1.0, 0.8249)


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """The image with its profile's colours as sRGB; RGB and CMYK come back as RGB.

    A profile that can't be used (garbage, or for another kind of image) is ignored, as browsers
    do. The image may be changed in place.
    """
    transform = _transform(image.mode, icc) if icc else None
    if transform is None:
        return image.convert("RGB") if image.mode == "CMYK" else image
    if image.mode == "CMYK":
        return ImageCms.applyTransform(image, transform) or image
    ImageCms.applyTransform(image, transform, inPlace=True)
    return image


def profile_of(nclx: Mapping[str, int] | None) -> bytes | None:
    """An ICC profile for the wide primaries that a HEIF file names by number (see ``heif.nclx``),
    None for others."""
    if not nclx or nclx["transfer_characteristics"] in _HDR_CURVES:
        return None
    colorants = _COLORANTS.get(nclx["color_primaries"])
    return _matrix_profile(colorants) if colorants else None


def _transform(mode: str, icc: bytes) -> ImageCms.ImageCmsTransform | None:
    key = (mode, icc)
    if key not in _transforms:
        if len(_transforms) >= _CACHED:
            _transforms.clear()
        _transforms[key] = _build(mode, icc)
    return _transforms[key]


def _build(mode: str, icc: bytes) -> ImageCms.ImageCmsTransform | None:
    """A transform, or None where there is nothing to change or nothing to go by."""
    if mode not in ("RGB", "RGBA", "CMYK"):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        out = "RGB" if mode == "CMYK" else mode
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(source, _SRGB, mode, out, intent)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a cube of colours comes out as it went in: most profiles are sRGB by some name."""
    levels = bytes((0, 51, 102, 153, 204, 255))
    cube = bytes(value for r in levels for g in levels for b in levels for value in (r, g, b))
    before = Image.frombytes("RGB", (36, 6), cube)
    after = ImageCms.applyTransform(before, transform)
    if after is None:
        return False
    extrema = ImageChops.difference(before, after).getextrema()
    return all(high <= 1 for _, high in extrema)  # type: ignore[misc]


def _matrix_profile(colorants: tuple[tuple[float, float, float], ...]) -> bytes:
    """A display profile with sRGB's curve (ICC.1:2010, parametric curve type 3)."""
    curve = b"para" + struct.pack(">IHH", 0, 3, 0) + b"".join(map(_fixed, _SRGB_CURVE))
    tags = {b"wtpt": _xyz(_D50)}
    tags |= {name: _xyz(c) for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    header = struct.pack(
        ">I4sI4s4s4s12s4s28s12s48s",
        start + len(body), b"", 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"", b"acsp", b"",
        b"".join(map(_fixed, _D50)), b"",
    )  # fmt: skip
    return header + table + body


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, value))

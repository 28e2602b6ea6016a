"""Pictures drawn for tests, and what a decoder makes of them."""

from __future__ import annotations

import io
from pathlib import Path

import pillow_heif
from PIL import Image, ImageChops, ImageDraw, ImageStat

from media_cache.convert import Decoder, Picture

pillow_heif.register_heif_opener()
GPS = {0x0112: 1, 0x010F: "Camera of somebody", 0x8825: {1: "N", 2: (51.0, 28.0, 38.0)}}


def scene(mode: str = "RGB", size: tuple[int, int] = (320, 200)) -> Image.Image:
    """A picture with a red top left, a blue bottom right and something in between."""
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 40, 30), fill="red")
    draw.rectangle((size[0] - 40, size[1] - 30, *size), fill="blue")
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int = 1) -> bytes:
    tags = Image.Exif()
    tags.update(GPS | {0x0112: orientation})
    return tags.tobytes()


def process(
    decoder: Decoder, folder: Path, body: bytes, mime: str, **options: int
) -> tuple[Picture, bytes]:
    """The picture, and the bytes that would be stored."""
    source, target = folder / "in", folder / "out"
    source.write_bytes(body)
    target.unlink(missing_ok=True)
    picture = decoder.process(source, target, mime, **options)
    stored = target.read_bytes() if picture.rewritten else body
    assert picture.rewritten is target.exists()
    assert picture.byte_size in (None, len(stored))
    return picture, stored


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean over pixels and channels, in levels of 255."""
    assert one.size == other.size
    means = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(means) / len(means)


def opened(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image

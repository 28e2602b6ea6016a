"""Small pictures as files: as many different ones as a test needs."""

from __future__ import annotations

import io

import pillow_heif
from PIL import Image


def picture(kind: str = "JPEG", size: tuple[int, int] = (90, 120), seed: int = 0) -> bytes:
    """A gradient; another ``seed`` (0 to 255) gives other bytes."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste((seed, 255 - seed, 0), (0, 0, 16, 16))
    file = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(file, quality=80)
    else:
        image.save(file, kind)
    return file.getvalue()

"""The grey square that stands for a picture, and how it is kept in a few kilobytes."""

from __future__ import annotations

import io
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 128  # pixels
_QUALITY = 85  # of the JPEG that it is kept as: off by one level or two

Square: TypeAlias = NDArray[np.float32]


def square_of(luma: bytes) -> Square:
    """From ``SIDE * SIDE`` grey levels, row by row. Raises ValueError for any other number."""
    levels = np.frombuffer(luma, dtype=np.uint8).reshape(SIDE, SIDE)
    return levels.astype(np.float32)


def pack(luma: bytes) -> bytes:
    """As a small JPEG of 1 to 6 kB."""
    out = io.BytesIO()
    Image.frombytes("L", (SIDE, SIDE), luma).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def unpack(packed: bytes) -> Square:
    """From what ``pack`` made."""
    with Image.open(io.BytesIO(packed), formats=("JPEG",)) as image:
        return square_of(image.convert("L").tobytes())

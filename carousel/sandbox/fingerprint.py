"""Which slide a picture is: a strip of grey cells along its bottom edge that survives re-encoding.

Gemini's stand-in must recognise a slide that the product has converted, compressed or scaled down.
So every drawn slide carries 40 cells by 3 rows of light and dark at its bottom: 16 bits of a
fixed pattern (which also tell how dark "dark" is), 88 bits of payload, 16 bits of checksum. Bytes
are compared nowhere, so it does not matter which encoder wrote them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from PIL import Image, ImageDraw

COLUMNS, ROWS = 40, 3
STRIP = 42
"""Height of the strip, in pixels of a picture that is 1,440 high."""

HEIGHT = 1440
_DARK, _LIGHT = 70, 140
_PATTERN = "1010011001011010"


@dataclass(frozen=True, slots=True)
class Identity:
    """48 bits for the creator, 32 for the post's slot, 8 for the slide's position."""

    creator: int
    slot: int
    position: int


def _checksum(payload: int) -> int:
    return zlib.crc32(payload.to_bytes(11, "big")) & 0xFFFF


def stamp(image: Image.Image, identity: Identity) -> None:
    """Draw the strip over the bottom of a picture (mode RGB), in place."""
    payload = (identity.creator << 40) | (identity.slot << 8) | identity.position
    bits = _PATTERN + f"{(payload << 16) | _checksum(payload):0104b}"
    draw = ImageDraw.Draw(image)
    cell, row = image.width / COLUMNS, STRIP * image.height / HEIGHT / ROWS
    top = image.height - ROWS * row
    for index, bit in enumerate(bits):
        y, x = divmod(index, COLUMNS)
        grey = _LIGHT if bit == "1" else _DARK
        box = (x * cell, top + y * row, (x + 1) * cell - 1, top + (y + 1) * row - 1)
        draw.rectangle(tuple(map(round, box)), fill=(grey, grey, grey))


def read(image: Image.Image) -> Identity | None:
    """The identity in a picture of any size, or ``None`` if it carries none."""
    strip = _cells(image)
    marks = [strip[index] for index in range(len(_PATTERN))]
    light = [value for value, bit in zip(marks, _PATTERN, strict=True) if bit == "1"]
    dark = [value for value, bit in zip(marks, _PATTERN, strict=True) if bit == "0"]
    if min(light) - max(dark) < 12:
        return None
    middle = (sum(light) / len(light) + sum(dark) / len(dark)) / 2
    bits = "".join("1" if value > middle else "0" for value in strip[len(_PATTERN) :])
    payload, checksum = int(bits[:88], 2), int(bits[88:], 2)
    if _checksum(payload) != checksum:
        return None
    return Identity(payload >> 40, (payload >> 8) & 0xFFFFFFFF, payload & 0xFF)


def _cells(image: Image.Image) -> list[float]:
    """The mean grey of the inner part of every cell."""
    top = image.height * (1 - STRIP / HEIGHT)
    box = (0, int(top), image.width, image.height)
    fine = image.convert("L").crop(box)
    # Eight samples across and five down a cell: the inner ones are free of its neighbours.
    small = fine.resize(
        (COLUMNS * 8, ROWS * 5),
        Image.Resampling.BOX if fine.width >= COLUMNS * 8 else Image.Resampling.BILINEAR,
        box=(0, top - int(top), fine.width, fine.height),
    )
    pixels = small.tobytes()
    values = []
    for index in range(COLUMNS * ROWS):
        y, x = divmod(index, COLUMNS)
        inner = [
            pixels[(y * 5 + down) * COLUMNS * 8 + x * 8 + across]
            for down in (1, 2, 3)
            for across in (2, 3, 4, 5)
        ]
        values.append(sum(inner) / len(inner))
    return values

"""Lettering with the only font that comes with the wheels: Pillow's own (Aileron, ASCII).

The font has no accented letters, so they are drawn: the base letter from the font, the mark from
lines and dots. Nothing depends on the fonts of the machine.
"""

from __future__ import annotations

import math
import threading
import unicodedata
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]

_ACUTE, _GRAVE, _CIRCUMFLEX, _TILDE, _DIAERESIS, _CEDILLA = (
    "\u0301",
    "\u0300",
    "\u0302",
    "\u0303",
    "\u0308",
    "\u0327",
)
_STROKES: dict[str, tuple[Point, ...]] = {
    _ACUTE: ((-0.05, 0.0), (0.09, -0.14)),
    _GRAVE: ((0.05, 0.0), (-0.09, -0.14)),
    _CIRCUMFLEX: ((-0.13, 0.0), (0.0, -0.13), (0.13, 0.0)),
    _TILDE: tuple(
        (-0.15 + 0.03 * step, -0.05 - 0.045 * math.sin(step / 10 * 2 * math.pi))
        for step in range(11)
    ),
    _CEDILLA: ((0.0, 0.0), (0.0, 0.06), (0.07, 0.1), (0.05, 0.17), (-0.07, 0.18)),
}
"""Marks as lines, in parts of the font size, from the point above (or under) the letter."""

_local = threading.local()


def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's built-in font at a size in pixels (one object per thread: a face is not shared)."""
    fonts: dict[int, ImageFont.FreeTypeFont] = _local.__dict__.setdefault("fonts", {})
    if size not in fonts:
        loaded = ImageFont.load_default(size)
        if not isinstance(loaded, ImageFont.FreeTypeFont):
            raise RuntimeError(
                "The sandbox draws text with FreeType; this Pillow was built without."
            )
        fonts[size] = loaded
    return fonts[size]


def split(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The text without its marks, and each mark with the index of the letter that carries it."""
    base: list[str] = []
    marks: list[tuple[int, str]] = []
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.combining(char):
            marks.append((len(base) - 1, char))
        else:
            base.append(char)
    return "".join(base), marks


def width(text: str, size: int) -> float:
    """The advance of a line in pixels."""
    return font(size).getlength(split(text)[0])


def wrap(text: str, size: int, limit: int) -> list[str]:
    """Break a text at spaces and newlines into lines of at most ``limit`` pixels."""
    lines: list[str] = []
    for block in text.split("\n"):
        line = ""
        for word in block.split():
            candidate = f"{line} {word}".strip()
            if line and width(candidate, size) > limit:
                lines.append(line)
                candidate = word
            line = candidate
        lines.append(line)
    return lines


@dataclass(frozen=True, slots=True)
class Lettering:
    """``size`` in pixels; ``weight`` and ``outline`` are pixels added all round."""

    size: int
    weight: int = 1
    outline: int = 0


def stamp(text: str, style: Lettering) -> tuple[Image.Image, Image.Image | None, int]:
    """Masks (mode L) of a line, letters and outline if any; and their padding in pixels."""
    pad = style.size // 4 + style.outline
    base, marks = split(text)
    box = (math.ceil(font(style.size).getlength(base)) + 2 * pad, int(style.size * 1.35) + 2 * pad)
    letters = _mask(box, base, marks, style, pad, style.weight)
    if not style.outline:
        return letters, None, pad
    return letters, _mask(box, base, marks, style, pad, style.weight + style.outline), pad


def _mask(
    box: tuple[int, int],
    base: str,
    marks: list[tuple[int, str]],
    style: Lettering,
    pad: int,
    grow: int,
) -> Image.Image:
    face, baseline = font(style.size), pad + style.size
    image = Image.new("L", box, 0)
    draw = ImageDraw.Draw(image)
    draw.text((pad, baseline), base, fill=255, font=face, anchor="ls", stroke_width=grow)
    for index, mark in marks:
        _mark(draw, base, index, mark, style.size, pad, baseline, grow)
    return image


def _mark(
    draw: ImageDraw.ImageDraw,
    base: str,
    index: int,
    mark: str,
    size: int,
    pad: int,
    baseline: int,
    grow: int,
) -> None:
    face, letter = font(size), base[index]
    left = pad + face.getlength(base[:index])
    x0, y0, x1, _ = face.getbbox(letter, anchor="ls")
    middle, top = left + (x0 + x1) / 2, baseline + y0
    if letter == "i":
        top = baseline + face.getbbox("x", anchor="ls")[1]
        draw.rectangle((left + x0 - grow, 0, left + x1 + grow, top - grow - 1), fill=0)
    thick = size * 0.085 + 2 * grow
    if mark == _DIAERESIS:
        radius, gap, y = size * 0.052 + grow, size * 0.125, top - size * 0.12
        for x in (middle - gap, middle + gap):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return
    lift = 0.0 if mark == _CEDILLA else -size * 0.085
    start = baseline if mark == _CEDILLA else top
    points = [(middle + x * size, start + lift + y * size) for x, y in _STROKES[mark]]
    draw.line(points, fill=255, width=max(1, round(thick)), joint="curve")
    for x, y in (points[0], points[-1]):
        draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)

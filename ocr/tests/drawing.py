"""Slides drawn for tests: the truth is known because we wrote it."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

Style = Literal["outline", "plain", "box", "dark-on-light"]
STYLES: tuple[Style, ...] = ("outline", "plain", "box", "dark-on-light")


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a slide is drawn. Sizes are pixels, ``angle`` is degrees anticlockwise."""

    text: str
    style: Style = "outline"
    width: int = 1080
    height: int = 1440
    font_size: int = 72
    angle: float = 0.0
    emoji: bool = False
    seed: int = 1
    font: str = ""


def draw(drawing: Drawing) -> Image.Image:
    """Return the slide: a photo-like background with centred lines of text over it."""
    rng = random.Random(drawing.seed)
    picture = background(drawing.width, drawing.height, drawing.seed)
    if drawing.style == "dark-on-light":
        picture = Image.new("RGB", picture.size, (244, 240, 230))
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    font = _font(drawing)
    lines = drawing.text.split("\n")
    step = round(drawing.font_size * 1.45)
    y = (drawing.height - step * len(lines)) // 2
    for line in lines:
        left = round((drawing.width - pen.textlength(line, font=font)) / 2)
        _draw_line(pen, (left, y), line, font, drawing.style)
        y += step
    if drawing.emoji:
        _draw_face(pen, rng.randint(200, drawing.width - 200), min(y + 40, drawing.height - 120))
    if drawing.angle:
        layer = layer.rotate(drawing.angle, resample=Image.Resampling.BICUBIC)
    picture.paste(layer, (0, 0), layer)
    return picture


def find_font() -> str:
    """Return the name of a font with accents that is installed here, "" if there is none."""
    try:
        ImageFont.truetype("DejaVuSans-Bold.ttf", 12)
    except OSError:
        return ""
    return "DejaVuSans-Bold.ttf"


def background(width: int, height: int, seed: int) -> Image.Image:
    """Return a smooth, colourful picture without any text."""
    rng = random.Random(seed)
    coarse = Image.new("RGB", (6, 8))
    coarse.putdata([tuple(rng.randint(20, 170) for _ in range(3)) for _ in range(48)])
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def jpeg(picture: Image.Image, quality: int = 88) -> bytes:
    """Return the picture as a JPEG file."""
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


def character_errors(got: str, want: str) -> int:
    """Return the edit distance between two texts, white space folded, case kept."""
    left, right = " ".join(got.split()), " ".join(want.split())
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def _font(drawing: Drawing) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font asked for, or Pillow's own, which has ASCII only."""
    if drawing.font:
        return ImageFont.truetype(drawing.font, drawing.font_size)
    return ImageFont.load_default(drawing.font_size)


def _draw_line(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    line: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    style: Style,
) -> None:
    if style == "outline":
        pen.text(at, line, font=font, fill="white", stroke_width=5, stroke_fill="black")
    elif style == "box":
        left, top, right, bottom = pen.textbbox(at, line, font=font)
        pen.rounded_rectangle((left - 18, top - 12, right + 18, bottom + 12), 14, fill="white")
        pen.text(at, line, font=font, fill=(20, 20, 20))
    elif style == "plain":
        pen.text(at, line, font=font, fill=(255, 250, 120))
    else:
        pen.text(at, line, font=font, fill=(30, 30, 60))


def _draw_face(pen: ImageDraw.ImageDraw, x: int, y: int) -> None:
    pen.ellipse((x - 50, y - 50, x + 50, y + 50), fill=(255, 210, 60, 255))
    pen.ellipse((x - 25, y - 22, x - 9, y - 2), fill=(60, 40, 10, 255))
    pen.ellipse((x + 9, y - 22, x + 25, y - 2), fill=(60, 40, 10, 255))
    pen.arc((x - 28, y - 18, x + 28, y + 30), 20, 160, fill=(60, 40, 10, 255), width=6)

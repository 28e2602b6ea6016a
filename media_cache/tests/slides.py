"""Slides drawn for tests of likeness, and what happens to pictures on their way through the web."""

from __future__ import annotations

import io
import random
import textwrap
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageEnhance, ImageFont

SIZE = (1080, 1440)
WORDS = [
    "morning",
    "coffee",
    "habit",
    "money",
    "sleep",
    "water",
    "before",
    "after",
    "never",
    "always",
    "three",
    "small",
    "big",
    "start",
    "stop",
    "write",
    "read",
    "walk",
    "save",
    "spend",
    "learn",
    "forget",
    "people",
    "friends",
    "work",
    "rest",
    "simple",
    "honest",
    "quiet",
    "loud",
    "train",
    "kitchen",
    "garden",
    "window",
    "summer",
    "winter",
    "letter",
    "number",
    "budget",
    "phone",
    "screen",
    "paper",
    "travel",
]
LAYOUTS = ("centred", "left", "card", "label")


def ground(kind: str, draw: random.Random) -> Image.Image:
    """What is behind the words: ``plain``, ``gradient`` or ``photo`` (shapes with a grain)."""
    if kind == "plain":
        return Image.new("RGB", SIZE, _colour(draw))
    if kind == "gradient":
        image = Image.new("RGB", (3, 4))
        image.putdata([_colour(draw) for _ in range(12)])
        return image.resize(SIZE, Image.Resampling.BICUBIC)
    image = Image.new("RGB", (6, 8))
    image.putdata([_colour(draw) for _ in range(48)])
    image = image.resize(SIZE, Image.Resampling.BICUBIC)
    brush = ImageDraw.Draw(image)
    for _ in range(25):
        x, y = draw.randrange(SIZE[0]), draw.randrange(SIZE[1])
        box = (x, y, x + draw.randrange(40, 400), y + draw.randrange(40, 400))
        (brush.ellipse if draw.random() < 0.5 else brush.rectangle)(box, fill=_colour(draw))
    grain = Image.frombytes("L", (270, 360), draw.randbytes(270 * 360)).resize(SIZE)
    return Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.12)


def _colour(draw: random.Random) -> tuple[int, int, int]:
    return draw.randrange(256), draw.randrange(256), draw.randrange(256)


def slide(behind: Image.Image, layout: str, draw: random.Random, *, words: int = 12) -> Image.Image:
    """Other words on this ground at every call, in the same place and style."""
    image = behind.copy()
    brush, font = ImageDraw.Draw(image), ImageFont.load_default(64)
    lines = textwrap.wrap(" ".join(draw.choice(WORDS) for _ in range(words)), 24)
    top = (SIZE[1] - 88 * len(lines)) // 2
    bright = sum(image.resize((1, 1)).getpixel((0, 0))) > 380  # type: ignore[arg-type]
    ink = (15, 15, 15) if bright else (255, 255, 255)
    if layout == "card":
        box = (50, top - 50, SIZE[0] - 50, top + 88 * len(lines) + 50)
        brush.rounded_rectangle(box, 40, fill=(20, 20, 30))
        ink = (255, 255, 255)
    for number, line in enumerate(lines):
        wide = brush.textlength(line, font=font)
        at = (100.0 if layout == "left" else (SIZE[0] - wide) / 2, top + 88.0 * number)
        if layout == "label":
            box_of_line = (at[0] - 20, at[1] - 4, at[0] + wide + 20, at[1] + 80)
            brush.rounded_rectangle(box_of_line, 16, fill=(255, 255, 255))
            ink = (10, 10, 10)
        brush.text(at, line, font=font, fill=ink)
    return image


def encoded(image: Image.Image, kind: str = "JPEG", quality: int = 88) -> bytes:
    """As a file."""
    out = io.BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()


def cropped(left: float, right: float, top: float, bottom: float) -> Callable[[Image.Image], bytes]:
    """Cut off such parts of the sides."""

    def cut(image: Image.Image) -> bytes:
        w, h = image.size
        box = (round(w * left), round(h * top), round(w * (1 - right)), round(h * (1 - bottom)))
        return encoded(image.crop(box))

    return cut


def _half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG at quality 50": lambda image: encoded(image, quality=50),
    "WebP at quality 60": lambda image: encoded(image, "WEBP", 60),
    "half the size": lambda image: encoded(_half(image)),
    "a third of the size": lambda image: encoded(image.resize((360, 480)), quality=60),
    "15 % brighter": lambda image: encoded(ImageEnhance.Brightness(image).enhance(1.15)),
    "20 % darker": lambda image: encoded(ImageEnhance.Brightness(image).enhance(0.8)),
    "more contrast": lambda image: encoded(ImageEnhance.Contrast(image).enhance(1.2)),
    "3 % off each side": cropped(0.03, 0.03, 0.03, 0.03),
    "5 % off each side": cropped(0.05, 0.05, 0.05, 0.05),
    "5 % off the bottom": cropped(0, 0, 0, 0.05),
    "5 % off two sides": cropped(0, 0.05, 0.05, 0),
    "off the middle": cropped(0.04, 0.02, 0.01, 0.05),
    "5 % off, half the size, quality 50": lambda image: encoded(
        _half(image.crop((54, 72, 1026, 1368))), quality=50
    ),
}

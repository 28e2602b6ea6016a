"""Slides drawn for the benchmarks of reading: the truth is known because we wrote it.

Letters come from fonts in wheels (``requirements-dev.txt``), so that the pictures are the same on
every machine.
"""

from __future__ import annotations

import importlib.util
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from _bench import Skipped
from _texts import COLUMNS, EMOJI, LINES, ROWS, SCRIPTS, SMALL
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

SIZE: Final = (1080, 1440)
Colour = tuple[int, int, int]
WHITE: Final[Colour] = (255, 255, 255)

_FONTS: Final = {
    **dict.fromkeys(("latin", "greek", "cyrillic"), "fontpkg_noto_sans/files/NotoSans[wdth,wght]"),
    "arabic": "fontpkg_noto_sans_arabic/files/NotoSansArabic[wdth,wght]",
    "hebrew": "fontpkg_heebo/files/Heebo[wght]",
    "devanagari": "fontpkg_noto_sans_devanagari/files/NotoSansDevanagari[wdth,wght]",
    "thai": "fontpkg_noto_sans_thai/files/NotoSansThai[wdth,wght]",
    **dict.fromkeys(
        ("chinese", "japanese", "korean"), "noto_cjk_sans_jp_regular/NotoSansCJKjp-Regular"
    ),
}


@dataclass(frozen=True, slots=True)
class Slide:
    """One picture, and what there is to read on it."""

    kind: str
    text: str
    picture: Image.Image

    def jpeg(self, quality: int = 88) -> bytes:
        """As a file of the usual kind."""
        out = io.BytesIO()
        self.picture.save(out, "JPEG", quality=quality)
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class Ink:
    """How letters are drawn: size and outline in pixels, on a box or straight on the picture."""

    size: int = 66
    fill: Colour = WHITE
    outline: int = 0
    box: Colour | None = None
    script: str = "latin"


@cache
def font(script: str, size: int) -> ImageFont.FreeTypeFont:
    """The letters of a script. Raises Skipped where its wheel is not installed."""
    package, _, rest = _FONTS[script].partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Skipped(f"no letters for {script}: {package} is not installed")
    suffix = ".otf" if "CJK" in rest else ".ttf"
    loaded = ImageFont.truetype(str(Path(spec.origin).parent / f"{rest}{suffix}"), size)
    if suffix == ".ttf":
        axes = [bytes(axis["name"]).decode().lower() for axis in loaded.get_variation_axes()]
        loaded.set_variation_by_axes([600 if "weight" in name else 100 for name in axes])
    return loaded


def ground(seed: int, *, lightness: tuple[int, int] = (20, 170), busy: bool = False) -> Image.Image:
    """A soft, colourful picture without any text; ``busy``: with grain and hard shapes."""
    rng = random.Random(seed)
    coarse = Image.new("RGB", (6, 8))
    coarse.putdata([tuple(rng.randint(*lightness) for _ in range(3)) for _ in range(48)])
    picture = coarse.resize(SIZE, Image.Resampling.BICUBIC)
    if not busy:
        return picture
    pen = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y, r = rng.randrange(SIZE[0]), rng.randrange(SIZE[1]), rng.randint(10, 130)
        colour = tuple(rng.randint(*lightness) for _ in range(3))
        shape = rng.choice((pen.ellipse, pen.rectangle))
        shape((x - r, y - r // 2, x + r, y + r // 2), fill=colour)
    noise = Image.frombytes("L", SIZE, rng.randbytes(SIZE[0] * SIZE[1]))
    noise = noise.filter(ImageFilter.GaussianBlur(1.2))
    return ImageChops.overlay(picture, Image.merge("RGB", (noise, noise, noise)))


def write(picture: Image.Image, text: str, at: tuple[float, float], ink: Ink) -> float:
    """Centre lines over a point, downwards; returns where they end (pixels from the top)."""
    pen, letters = ImageDraw.Draw(picture), font(ink.script, ink.size)
    x, y = at
    for line in text.split("\n"):
        left = x - pen.textlength(line, font=letters) / 2
        if ink.box is not None:
            a, b, c, d = pen.textbbox((left, y), line, font=letters)
            pen.rounded_rectangle((a - 18, b - 12, c + 18, d + 12), 14, fill=ink.box)
        pen.text(
            (left, y),
            line,
            font=letters,
            fill=ink.fill,
            stroke_width=ink.outline,
            stroke_fill=(0, 0, 0),
        )
        y += ink.size * 1.5
    return y


def scripts() -> tuple[list[Slide], dict[str, str]]:
    """Usual slides in ten scripts, and the scripts that can't be drawn here with the reason."""
    slides, missing = [], {}
    for script, texts in SCRIPTS.items():
        try:
            slides += [_usual(script, text, n) for n, text in enumerate(texts)]
        except Skipped as why:
            missing[script] = str(why)
    return slides, missing


def hard() -> Iterator[Slide]:
    """What makes slides hard to read, in Latin script."""
    for n, text in enumerate(LINES):
        outlined = ground(200 + n, lightness=(20, 250), busy=n % 2 == 1)
        write(outlined, text, (540, 560), Ink(size=56 + 4 * n, outline=4 + n % 3))
        yield Slide("outline", text, outlined)
        yield _faint(text, n)
        yield _turned(text, n)
    for n, text in enumerate(SMALL):
        for size in (26, 20, 16):
            paper = Image.new("RGB", SIZE, (244, 240, 230) if n % 2 else (30, 34, 40))
            fill = (40, 40, 60) if n % 2 else (230, 230, 225)
            write(paper, text, (540, 900), Ink(size, fill))
            yield Slide("small print", text, paper)
    yield from _shaped()


def blank() -> Iterator[Slide]:
    """Pictures without text."""
    for n in range(8):
        yield Slide("no text", "", ground(500 + n, lightness=(10, 250), busy=n >= 3))
    yield Slide("no text", "", Image.new("RGB", SIZE, "white"))
    leaves = Image.new("RGB", SIZE, (90, 130, 80))
    pen, rng = ImageDraw.Draw(leaves), random.Random(9)
    for _ in range(900):
        x, y = rng.randrange(SIZE[0]), rng.randrange(SIZE[1])
        pen.line((x, y, x + rng.randint(-50, 50), y + rng.randint(-50, 50)), (40, 70, 30), 5)
    yield Slide("no text", "", leaves)


def _usual(script: str, text: str, n: int) -> Slide:
    picture = ground(100 + n)
    looks = (
        Ink(outline=5, script=script),
        Ink(fill=(20, 20, 20), box=WHITE, script=script),
        Ink(fill=(255, 250, 120), script=script),
        Ink(fill=(30, 30, 60), script=script),
    )
    if n % 4 == 3:
        picture = Image.new("RGB", SIZE, (244, 240, 230))
    write(picture, text, (540, 600), looks[n % 4])
    return Slide(script, text, picture)


def _faint(text: str, n: int) -> Slide:
    """Letters that are 14 to 42 of 255 steps away from an even ground."""
    base, step = (70, 150, 200, 235)[n % 4], (42, 28, 20, 14)[n // 2]
    shade = base - step if n % 4 >= 2 else base + step
    picture = Image.new("RGB", SIZE, (base, base, base))
    write(picture, text, (540, 600), Ink(fill=(shade, shade, shade)))
    return Slide("low contrast", text, picture)


def _turned(text: str, n: int) -> Slide:
    angle = (6, -12, 20, -30, 90, -90, 180, 45)[n]
    flat = Image.new("L", (1080, 1080), 0)
    pen, letters = ImageDraw.Draw(flat), font("latin", 60)
    for row, line in enumerate(text.split("\n")):
        left = (1080 - pen.textlength(line, font=letters)) / 2
        pen.text((left, 450 + row * 90), line, font=letters, fill=255)
    picture = ground(300 + n)
    turned = flat.rotate(angle, resample=Image.Resampling.BICUBIC)
    picture.paste(WHITE, (0, 180), turned)
    return Slide("rotated", text, picture)


def _shaped() -> Iterator[Slide]:
    """Emoji, columns, tables."""
    for n, (text, emoji) in enumerate(EMOJI):
        picture = ground(400 + n)
        end = write(picture, text, (540, 560), Ink(outline=4))
        last = font("latin", 66).getlength(text.split("\n")[-1])
        _emoji(picture, emoji, 540 + last / 2 + 60, end - 56)
        yield Slide("emoji", f"{text} {emoji}", picture)
    for n, (title, left, right) in enumerate(COLUMNS):
        picture = ground(420 + n)
        write(picture, title, (540, 300), Ink(size=72))
        write(picture, left, (280, 560), Ink(size=44))
        write(picture, right, (800, 560 + 30 * n), Ink(size=44))
        yield Slide("columns", f"{title}\n{left}\n{right}", picture)
    for n, rows in enumerate(ROWS):
        picture, ink = ground(440 + n), Ink(size=56)
        for row, (name, value) in enumerate(rows):
            write(picture, name, (300, 400 + 120 * row), ink)
            write(picture, value, (820, 400 + 120 * row), ink)
        yield Slide("columns", "\n".join(f"{name} {value}" for name, value in rows), picture)


def _emoji(picture: Image.Image, emoji: str, x: float, y: float) -> None:
    pen = ImageDraw.Draw(picture)
    if emoji == "😀":
        pen.ellipse((x - 34, y - 34, x + 34, y + 34), fill=(255, 210, 60))
        for side in (-13, 13):
            pen.ellipse((x + side - 5, y - 14, x + side + 5, y + 2), fill=(60, 40, 10))
        pen.chord((x - 19, y - 6, x + 19, y + 24), 0, 180, fill=(120, 40, 20))
    elif emoji == "❤":
        pen.ellipse((x - 34, y - 30, x + 2, y + 6), fill=(230, 40, 70))
        pen.ellipse((x - 2, y - 30, x + 34, y + 6), fill=(230, 40, 70))
        pen.polygon(((x - 31, y - 4), (x + 31, y - 4), (x, y + 36)), fill=(230, 40, 70))
    else:
        pen.regular_polygon((x, y, 36), 3, fill=(255, 210, 60))
        pen.regular_polygon((x, y, 36), 3, 180, fill=(255, 210, 60))

"""Drawing: carousel slides with real text, covers and avatars. Deterministic to the byte."""

from __future__ import annotations

import colorsys
import hashlib
import re
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

from carousel.sandbox import fingerprint
from carousel.sandbox.chance import dice, digest, number
from carousel.sandbox.glyphs import Lettering, stamp, width, wrap
from carousel.sandbox.posts import Post

Colour = tuple[int, int, int]

SIZE = (1080, 1440)
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (12, 12, 14)


@dataclass(frozen=True, slots=True)
class Look:
    """The style of one post: all its slides share it."""

    layout: str
    hue: float
    size: int
    weight: int
    centred: bool


def look(post: Post) -> Look:
    """What a post's slides look like."""
    draw = dice(post.seed, post.key, post.slot, "look")
    return Look(
        layout=draw.choice(("outline", "outline", "label", "card", "paper")),
        hue=draw.random(),
        size=draw.choice((58, 64, 70)),
        weight=draw.choice((1, 2)),
        centred=draw.random() < 0.7,
    )


def slide(post: Post, position: int, *, emoji: bool = False) -> Image.Image:
    """One slide of a photo post, 1080x1440 RGB, with the identity strip at its bottom.

    ``emoji`` adds a drawn face or heart, which only a reader of pictures can name.
    """
    what = post.slides[position]
    style = look(post)
    draw = dice(post.seed, post.key, post.slot, position, "slide")
    image = _background(draw, style)
    size = style.size + (22 if what.slide_type == "hook" else 0)
    lettering = Lettering(size, style.weight, max(4, size // 12) if _outlined(style) else 0)
    _paragraph(image, what.text, lettering, style, draw)
    if emoji:
        _heart(image)
    fingerprint.stamp(image, identity(post, position))
    return image


def identity(post: Post, position: int) -> fingerprint.Identity:
    """What the strip of a slide says."""
    return fingerprint.Identity(creator_code(post.seed, post.key), post.slot, position)


def creator_code(seed: int, key: str) -> int:
    """48 bits that stand for a creator in a slide's strip."""
    return number(seed, key, "strip", bits=48)


def cover(post: Post) -> Image.Image:
    """A post's cover, 640x853 RGB: the first slide, or a still of the video."""
    if post.is_photo:
        return slide(post, 0).resize((640, 853), Image.Resampling.LANCZOS)
    draw = dice(post.seed, post.key, post.slot, "cover")
    return _background(draw, look(post)).resize((640, 853), Image.Resampling.BILINEAR)


def avatar(seed: int, key: str, nickname: str, edge: int) -> Image.Image:
    """A creator's avatar, ``edge`` pixels square: an initial on a coloured ground."""
    draw = dice(seed, key, "avatar")
    image = _blend(draw, draw.random(), 0.55, 0.5).resize((720, 720), Image.Resampling.BICUBIC)
    letters, _, pad = stamp(nickname[0], Lettering(380, 6))
    origin = (360 - letters.width // 2, 360 - letters.height // 2 - pad // 3)
    image.paste(WHITE, origin, letters)
    return image.resize((edge, edge), Image.Resampling.LANCZOS)


def _outlined(style: Look) -> bool:
    return style.layout == "outline"


def _shade(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue % 1.0, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _blend(draw: Random, hue: float, lightness: float, saturation: float) -> Image.Image:
    """A 6x8 patchwork of neighbouring shades, to be scaled up into a soft gradient."""
    image = Image.new("RGB", (6, 8))
    shades = [
        _shade(hue + draw.uniform(-0.07, 0.07), lightness + draw.uniform(-0.1, 0.1), saturation)
        for _ in range(48)
    ]
    image.putdata(shades)
    return image


def _background(draw: Random, style: Look) -> Image.Image:
    lightness = {"paper": 0.88, "card": 0.5, "label": 0.5, "outline": 0.45}[style.layout]
    image = _blend(draw, style.hue, lightness, draw.uniform(0.3, 0.7))
    image = image.resize(SIZE, Image.Resampling.BICUBIC)
    if draw.random() < 0.25:
        grain = hashlib.shake_256(digest(draw.random())).digest(270 * 360)
        noise = Image.frombytes("L", (270, 360), grain).resize(SIZE, Image.Resampling.BILINEAR)
        image = Image.blend(image, Image.merge("RGB", (noise, noise, noise)), 0.08)
    return image


def _paragraph(
    image: Image.Image, text: str, lettering: Lettering, style: Look, draw: Random
) -> None:
    lines = wrap(text, lettering.size, 780 if lettering.outline else 860)
    if lettering.outline:
        # The outline eats into the spaces; readers, people too, would join the words. A number in
        # front stays close to its sentence.
        lines = [re.sub(r"(?<!\d\.) ", "  ", line) for line in lines]
    pitch = int(lettering.size * (1.55 if style.layout == "label" else 1.38))
    top = round((SIZE[1] - pitch * len(lines)) * draw.uniform(0.3, 0.5))
    if style.layout == "card":
        _card(image, top, pitch * len(lines), style)
    for index, line in enumerate(lines):
        left = (SIZE[0] - round(width(line, lettering.size))) // 2 if style.centred else 100
        _line(image, line, (left, top + index * pitch), lettering, style)


def _card(image: Image.Image, top: int, height: int, style: Look) -> None:
    box = (50, top - 50, SIZE[0] - 50, top + height + 50)
    ImageDraw.Draw(image).rounded_rectangle(box, 40, fill=_shade(style.hue, 0.14, 0.4))


def _line(
    image: Image.Image, line: str, at: tuple[int, int], lettering: Lettering, style: Look
) -> None:
    letters, outline, pad = stamp(line, lettering)
    corner = (at[0] - pad, at[1] - pad)
    ink: Colour = WHITE
    if style.layout == "label":
        ink = BLACK if style.hue < 0.5 else WHITE
        ground = WHITE if style.hue < 0.5 else _shade(style.hue, 0.25, 0.8)
        right = at[0] + round(width(line, lettering.size)) + 24
        box = (at[0] - 24, at[1] + 2, right, at[1] + int(lettering.size * 1.42))
        ImageDraw.Draw(image).rounded_rectangle(box, 18, fill=ground)
    elif style.layout == "paper":
        ink = _shade(style.hue, 0.12, 0.5)
    if outline is not None:
        image.paste(BLACK, corner, outline)
    image.paste(ink, corner, letters)


def _heart(image: Image.Image) -> None:
    draw = ImageDraw.Draw(image)
    draw.ellipse((880, 1200, 950, 1270), fill=(230, 40, 70))
    draw.ellipse((940, 1200, 1010, 1270), fill=(230, 40, 70))
    draw.polygon(((886, 1250), (1004, 1250), (945, 1330)), fill=(230, 40, 70))

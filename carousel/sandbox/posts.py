"""One post of the sandbox's world: its words, its slides, its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

from carousel.sandbox.chance import dice, number
from carousel.sandbox.phrases import CATEGORIES, LANGUAGES, Language, Topic

SlideType = Literal["hook", "content", "cta"]
Formats = tuple[str, ...]

FORMAT_CYCLE: tuple[Formats, ...] = (
    ("heic", "heic", "heic"),
    ("webp", "webp", "jpeg"),
    ("webp", "webp"),
    ("heic", "heic"),
    ("heic", "jpeg"),
    ("jpeg", "jpeg"),
)
"""What a photo post's ``url_list`` offers, one after another: a third is HEIC only."""

_SLIDE_CYCLE = (4, 5, 3, 6, 4, 5, 3, 8)
_VIDEO_EVERY = 5
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Slide:
    """One picture of a carousel: ``text`` is what is drawn, blocks joined by newlines."""

    position: int
    text: str
    slide_type: SlideType
    description: str


@dataclass(frozen=True, slots=True)
class Counts:
    """A post's counters at one moment."""

    views: int
    likes: int
    comments: int
    shares: int
    saves: int
    downloads: int


@dataclass(frozen=True, slots=True)
class Post:
    """One post. ``created`` is in seconds since the epoch; a video has ``duration_ms``."""

    seed: int
    key: str
    slot: int
    id: str
    created: int
    language: str
    topic: str
    is_photo: bool
    pinned: bool
    caption: str
    title: str
    hashtags: tuple[str, ...]
    mention: str | None
    slides: tuple[Slide, ...]
    formats: Formats
    duration_ms: int
    reach: int
    is_ad: bool
    is_paid_partnership: bool

    @property
    def category(self) -> str:
        """The category's name, in English."""
        return CATEGORIES[self.topic]

    def counts(self, now: float, *, falling: bool = False) -> Counts:
        """Counters at ``now``: most of the growth in the first days, a slow trickle afterwards.

        With ``falling`` the platform removes a tenth of the likes for every two weeks of age.
        """
        age = max(0.0, now - self.created) / _DAY
        draw = dice(self.seed, self.key, self.slot, "counts")
        final = self.reach * 10 ** draw.uniform(-1.0, 1.2)
        views = int(final * (1 - math.exp(-age / draw.uniform(0.5, 4.0))) + final * 0.003 * age)
        shares = [draw.uniform(low, high) for low, high in _RATES]
        likes = int(views * shares[0] * (0.9 ** int(age // 14) if falling else 1.0))
        rest = [int(views * share) for share in shares[1:]]
        return Counts(views, likes, *rest)


_RATES = ((0.04, 0.16), (0.001, 0.006), (0.002, 0.02), (0.01, 0.08), (0.0002, 0.002))


def build_post(
    *,
    seed: int,
    key: str,
    slot: int,
    created: int,
    language: str,
    topic: str,
    reach: int,
    mention: str,
) -> Post:
    """The post of one slot. Every fifth is a video, whatever the window of slots."""
    draw = dice(seed, key, slot, "post")
    words = LANGUAGES[language]
    turn = slot + number(seed, key, "phase", bits=8)
    is_photo, ordinal = turn % _VIDEO_EVERY != 0, turn - turn // _VIDEO_EVERY
    thing = draw.choice(words.topics[topic].things)
    slides = _slides(draw, words, words.topics[topic], thing, _SLIDE_CYCLE[ordinal % 8])
    caption, hashtags, mentioned = _caption(draw, words, topic, thing, mention)
    return Post(
        seed=seed,
        key=key,
        slot=slot,
        id=str((created << 32) | number(seed, key, slot, "id", bits=32)),
        created=created,
        language=language,
        topic=topic,
        is_photo=is_photo,
        pinned=number(seed, key, "pinned", slot, bits=8) < 24,
        caption=caption,
        title=slides[0].text if is_photo and draw.random() < 0.6 else "",
        hashtags=hashtags,
        mention=mentioned,
        slides=tuple(slides) if is_photo else (),
        formats=FORMAT_CYCLE[ordinal % len(FORMAT_CYCLE)],
        duration_ms=0 if is_photo else draw.randrange(6_000, 30_000, 200),
        reach=reach,
        is_ad=draw.random() < 0.04,
        is_paid_partnership=draw.random() < 0.06,
    )


def _slides(draw: Random, words: Language, topic: Topic, thing: str, count: int) -> list[Slide]:
    with_cta = draw.random() < 0.75
    tips = draw.sample(topic.tips, count - 1 - with_cta)
    hook = draw.choice(words.hooks).format(n=len(tips), thing=thing)
    texts: list[tuple[str, SlideType]] = [(_sentence(hook), "hook")]
    for index, tip in enumerate(tips, start=1):
        text = f"{index}. {tip.format(m=draw.choice((5, 10, 15, 20, 30)))}"
        if draw.random() < 0.4:
            text += "\n" + draw.choice(words.extras)
        texts.append((text, "content"))
    if with_cta:
        texts.append((draw.choice(words.ctas), "cta"))
    return [
        Slide(position, text, kind, _DESCRIPTIONS[kind])
        for position, (text, kind) in enumerate(texts)
    ]


_DESCRIPTIONS: dict[SlideType, str] = {
    "hook": "A title in large letters over a soft coloured background.",
    "content": "A numbered piece of advice over a soft coloured background.",
    "cta": "A closing request to the viewer over a soft coloured background.",
}


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _caption(
    draw: Random, words: Language, topic: str, thing: str, mention: str
) -> tuple[str, tuple[str, ...], str | None]:
    own = words.topics[topic].hashtags
    hashtags = (own[0], *draw.sample(own[1:], 1), "fyp")
    mentioned = mention if draw.random() < 0.3 else None
    text = _sentence(draw.choice(words.captions).format(thing=thing))
    parts = [text] + ([f"@{mentioned}"] if mentioned else [])
    shown = [tag.capitalize() if draw.random() < 0.2 else tag for tag in hashtags]
    return " ".join([*parts, *(f"#{tag}" for tag in shown)]) + " ", hashtags, mentioned

"""The pattern report: what carousels that did well have in common, against the others.

The quarter with the highest outlier scores is compared with the rest; posts without a score, or
with one of low confidence, are in neither. Numbers are compared by their means (Welch), properties
by the shares of posts that have them (Newcombe), each with a 95 % interval. One interval in twenty
misses the truth by chance, and a report has dozens: so it says of each difference whether it is
clear, that is whether it would still be there if all intervals had to hold at once (Bonferroni).
These are differences, not causes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from statistics import fmean
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from ocr.models import SlideReading, SlideType
from tiktok.models import ContentType, Slide, TikTokPost
from tiktok.services.comparing import Difference, Z, compare_means, compare_shares, z_of_all

MINIMUM = 10  # posts in either group, and posts with a property, for it to be told
MOST_POSTS = 5_000  # the latest of those that match
QUARTER = 4
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# A letter of a script without spaces stands for a word: Thai to Khmer, kana, Hangul, ideographs.
_WORD = re.compile(
    r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    r"\uf900-\ufaff\U00020000-\U0003ffff]|[^\W_]+(?:['’][^\W_]+)*"
)


@dataclass(slots=True)
class Carousel:
    """A scored post, as the report sees it."""

    score: float
    published_at: datetime
    category: str
    slides: int
    texts: list[str] = field(default_factory=list)  # of the slides that were read
    types: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """A number: means of both groups, over the posts of which it is known."""

    feature: str
    top_n: int
    top: float
    rest_n: int
    rest: float
    difference: Difference
    is_clear: bool


@dataclass(frozen=True, slots=True)
class SharePattern:
    """A property: in how many posts of either group it is, of those of which that is known."""

    feature: str
    value: str
    posts: int
    top_n: int
    top: float
    rest_n: int
    rest: float
    difference: Difference
    is_clear: bool


@dataclass(frozen=True, slots=True)
class Patterns:
    """The report. ``threshold`` is the lowest score in the upper quarter."""

    posts: int
    is_cut: bool
    top: int
    rest: int
    threshold: float | None
    numbers: list[NumberPattern]
    shares: list[SharePattern]


def words(text: str) -> int:
    """How many words a text has; a letter of a script without spaces counts as one."""
    return len(_WORD.findall(text))


def _hook_words(carousel: Carousel) -> float | None:
    said = list(zip(carousel.types, carousel.texts, strict=True))
    hooks = [text for kind, text in said if kind == SlideType.HOOK and text.strip()]
    first = hooks or [text for text in carousel.texts if text.strip()]
    return words(first[0]) if first else None


def _order(carousel: Carousel) -> str | None:
    """Types in their order, repetitions as one; only of posts that were read as a whole."""
    if len(carousel.types) < carousel.slides or not all(carousel.types):
        return None
    return " > ".join(kind for kind, _ in groupby(carousel.types))


NUMBERS: dict[str, Callable[[Carousel], float | None]] = {
    "slides": lambda one: one.slides,
    "wordsPerSlide": lambda one: fmean(map(words, one.texts)) if one.texts else None,
    "hookWords": _hook_words,
}
# Each says which values a post has; None: not known of it.
SHARES: dict[str, Callable[[Carousel], Iterable[str] | None]] = {
    "slideType": lambda one: {kind for kind in one.types if kind} if any(one.types) else None,
    "slideOrder": lambda one: None if (order := _order(one)) is None else {order},
    "category": lambda one: {one.category} if one.category else None,
    "hour": lambda one: {f"{one.published_at.astimezone(UTC).hour:02}"},
    "weekday": lambda one: {WEEKDAYS[one.published_at.astimezone(UTC).weekday()]},
}


def find_patterns(posts: QuerySet[TikTokPost]) -> Patterns:
    """The report on the photo posts among ``posts``, in three queries."""
    carousels, is_cut = _carousels(posts)
    return compare(carousels, is_cut=is_cut)


def compare(carousels: Sequence[Carousel], *, is_cut: bool = False) -> Patterns:
    """The report on these."""
    ranked = sorted(carousels, key=lambda one: one.score, reverse=True)
    size = len(ranked) // QUARTER
    if size < MINIMUM:
        return Patterns(len(ranked), is_cut, 0, 0, None, [], [])
    top, rest = ranked[:size], ranked[size:]
    told = [*_numbers(top, rest, Z), *_shares(top, rest, Z)]
    z = z_of_all(len(told))
    return Patterns(
        posts=len(ranked),
        is_cut=is_cut,
        top=len(top),
        rest=len(rest),
        threshold=top[-1].score,
        numbers=list(_numbers(top, rest, z)),
        shares=list(_shares(top, rest, z)),
    )


def _carousels(posts: QuerySet[TikTokPost]) -> tuple[list[Carousel], bool]:
    scored = posts.filter(
        content_type=ContentType.PHOTO,
        insight__outlier_score__isnull=False,
        insight__low_confidence=False,
    ).order_by("-published_at", "-pk")
    columns = (
        *("pk", "reading_id", "insight__outlier_score", "published_at"),
        "reading__category__name",
    )
    rows: list[Any] = list(scored.values_list(*columns)[: MOST_POSTS + 1])
    is_cut = len(rows) > MOST_POSTS
    rows = rows[:MOST_POSTS]
    keys = [row[0] for row in rows]
    counted = Slide.objects.filter(post_id__in=keys).order_by().values_list("post_id")
    slides: dict[UUID, int] = dict(counted.annotate(n=Count("pk")))
    found: list[Carousel] = []
    by_reading: dict[UUID, list[Carousel]] = defaultdict(list)
    for pk, reading, score, published_at, category in rows:
        carousel = Carousel(score, published_at, category or "", slides.get(pk, 0))
        found.append(carousel)
        if reading:
            by_reading[reading].append(carousel)
    read = SlideReading.objects.filter(reading_id__in=by_reading, text__isnull=False)
    for reading, text, kind in read.order_by("reading_id", "position").values_list(
        "reading_id", "text", "slide_type"
    ):
        for carousel in by_reading[reading]:
            carousel.texts.append(text or "")
            carousel.types.append(kind)
    return found, is_cut


def _numbers(
    top: Sequence[Carousel], rest: Sequence[Carousel], z: float
) -> Iterable[NumberPattern]:
    for feature, measure in NUMBERS.items():
        one, other = ([n for n in map(measure, group) if n is not None] for group in (top, rest))
        if min(len(one), len(other)) < MINIMUM:
            continue
        difference = compare_means(one, other)
        is_clear = not compare_means(one, other, z=z).is_none_possible
        means = (len(one), fmean(one), len(other), fmean(other))
        yield NumberPattern(feature, *means, difference, is_clear)


def _shares(top: Sequence[Carousel], rest: Sequence[Carousel], z: float) -> Iterable[SharePattern]:
    for feature, values in SHARES.items():
        one, other = ([v for v in map(values, group) if v is not None] for group in (top, rest))
        n, other_n = len(one), len(other)
        if min(n, other_n) < MINIMUM:
            continue
        hits, others = (Counter(v for had in group for v in had) for group in (one, other))
        told = []
        for value in hits.keys() | others.keys():
            a, b = hits[value], others[value]
            if a + b < MINIMUM:
                continue
            difference = compare_shares(a, n, b, other_n)
            is_clear = not compare_shares(a, n, b, other_n, z=z).is_none_possible
            shares = (n, a / n, other_n, b / other_n)
            told.append(SharePattern(feature, value, a + b, *shares, difference, is_clear))
        yield from sorted(told, key=lambda one: (-abs(one.difference.effect), one.value))

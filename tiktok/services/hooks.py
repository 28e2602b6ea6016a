"""The hook library: how carousels open, best first, near-identical ones together.

A post's hook is the text of its first slide of type hook; without one, of its first slide with
text.

Grouping: texts are folded (case, accents, width), everything but letters, marks and digits is
dropped, and runs of digits count as one, so that "7 habits" and "5 habits" are the same line. Two
hooks are near-identical if at least ``NEARLY`` of their trigrams are shared (Jaccard similarity,
the measure that pg_trgm calls similarity; trigrams fit scripts without spaces, too). Walking from
the best hook to the worst, each joins the best one before it that it resembles, or begins a group:
so a group's members all resemble its head, and there are no chains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Case, F, IntegerField, OuterRef, QuerySet, Subquery, When
from django.db.models.expressions import RawSQL

from ocr import search
from ocr.fold import fold
from ocr.models import SlideReading, SlideType
from ocr.search import Term
from tiktok.models import ContentType, TikTokPost

CANDIDATES = 2_000  # of all hooks that match, so many of the best are looked at
NEARLY = 0.7

_DROPPED = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Hook:
    """A post's hook: which slide reading has it, and what it says."""

    post_id: UUID
    profile_id: UUID
    slide_reading_id: int
    text: str


@dataclass(slots=True)
class HookGroup:
    """Near-identical hooks; the head is the one of the post with the best score."""

    head: Hook
    others: list[Hook] = field(default_factory=list)

    @property
    def accounts(self) -> int:
        """How many accounts have used it."""
        return len({hook.profile_id for hook in (self.head, *self.others)})


@dataclass(frozen=True, slots=True)
class HookLibrary:
    """Groups, best first. ``is_cut``: more hooks matched than were looked at."""

    groups: list[HookGroup]
    is_cut: bool


def hook_library(posts: QuerySet[TikTokPost], terms: Sequence[Term] = ()) -> HookLibrary:
    """The hooks of ``posts`` that say all ``terms`` (from ``ocr.search.parse``), in two queries.

    Ranked by the posts' outlier scores, unknown ones last.
    """
    hook = (
        SlideReading.objects.filter(reading=OuterRef("reading_id"))
        .exclude(search_text="")
        .order_by(
            Case(When(slide_type=SlideType.HOOK, then=0), default=1, output_field=IntegerField()),
            "position",
        )
        .values("pk")[:1]
    )
    rows: QuerySet[Any] = posts.filter(
        content_type=ContentType.PHOTO, reading__isnull=False, insight__isnull=False
    ).annotate(hook=Subquery(hook))
    rows = _saying(rows, terms) if terms else rows.filter(hook__isnull=False)
    best = rows.order_by(F("insight__outlier_score").desc(nulls_last=True), F("pk").desc())
    found = list(best.values_list("pk", "profile_id", "hook")[: CANDIDATES + 1])
    chosen = found[:CANDIDATES]
    keys = [slide for _, _, slide in chosen]
    texts = dict(SlideReading.objects.filter(pk__in=keys).values_list("pk", "text"))
    hooks = [
        Hook(post, profile, slide, texts[slide] or "")
        for post, profile, slide in chosen
        if slide in texts
    ]
    return HookLibrary(group_hooks(hooks), is_cut=len(found) > CANDIDATES)


def _saying(rows: QuerySet[Any], terms: Sequence[Term]) -> QuerySet[Any]:
    """Those whose hook says all terms: found through the index of all slides that do."""
    conditions = [search.condition(term) for term in terms]
    said = " AND ".join(sql for sql, _ in conditions)
    params = [value for _, values in conditions for value in values]
    where = f"FROM ocr_slidereading AS slide WHERE slide.search_text <> '' AND {said}"
    return rows.filter(
        reading_id__in=RawSQL(f"SELECT slide.reading_id {where}", params),
        hook__in=RawSQL(f"SELECT slide.id {where}", params),
    )


def group_hooks(hooks: Sequence[Hook]) -> list[HookGroup]:
    """Hooks in their order, near-identical ones under the first of them."""
    shapes = [trigrams(hook.text) for hook in hooks]
    heads = _Heads(shapes)
    groups: list[HookGroup] = []
    for hook, shape in zip(hooks, shapes, strict=True):
        home = heads.first_like(shape)
        if home is not None:
            groups[home].others.append(hook)
            continue
        heads.add(shape)
        groups.append(HookGroup(hook))
    return groups


class _Heads:
    """The heads of groups so far: which of them have which trigram.

    All of them are compared with a hook at once, by counting how often each is met in the lists of
    the hook's trigrams. The lists lie in one array, each with room for all that it can get.
    """

    def __init__(self, shapes: Sequence[frozenset[str]]) -> None:
        room = Counter(part for shape in shapes for part in shape)
        ends = accumulate(room.values())
        self._starts = {
            part: end - size for (part, size), end in zip(room.items(), ends, strict=True)
        }
        self._used = dict.fromkeys(room, 0)
        self._places = np.zeros(room.total(), dtype=np.int32)
        self._sizes = np.zeros(len(shapes), dtype=np.int32)
        self._count = 0

    def add(self, shape: frozenset[str]) -> None:
        """One more head."""
        for part in shape:
            self._places[self._starts[part] + self._used[part]] = self._count
            self._used[part] += 1
        self._sizes[self._count] = len(shape)
        self._count += 1

    def first_like(self, shape: frozenset[str]) -> int | None:
        """The place of the first head that resembles this; None if none does."""
        lists = [
            self._places[self._starts[part] : self._starts[part] + self._used[part]]
            for part in shape
        ]
        if not self._count or not lists:
            return None
        shared = np.bincount(np.concatenate(lists), minlength=self._count)
        alike = shared / (len(shape) + self._sizes[: self._count] - shared) >= NEARLY
        first = int(alike.argmax())
        return first if alike[first] else None


def trigrams(text: str) -> frozenset[str]:
    """The groups of three letters of each word, with two blanks before it and one behind."""
    words = _DROPPED.sub(" ", _NUMBER.sub("0", fold(text))).split()
    padded = [f"  {word} " for word in words] or [f"  {fold(text).strip()} "]
    return frozenset(word[i : i + 3] for word in padded for i in range(len(word) - 2))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared parts over all parts, 0 to 1."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)

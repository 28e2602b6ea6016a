"""Read a model's answer whatever state it is in, and match it by label.

The answer should be the JSON that was asked for. It may also be fenced, cut off, wrapped in words,
a bare list, or hold slides under the wrong post: every object that carries one of our labels is
taken, everything else is ignored. A label that comes twice with different texts belongs to neither.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ocr.engine import SLIDE_TYPES, SlideResult, SlideType, language_code
from ocr.prompt import UNKNOWN

TEXT_LIMIT: Final = 20_000
DESCRIPTION_LIMIT: Final = 2_000
CATEGORY_LIMIT: Final = 80

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_NO_CATEGORY: Final = frozenset((UNKNOWN, "", "none", "n/a", "null", "other", "uncategorized"))
_OPENING: Final = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class CategoryAnswer:
    """A post's category as the model wrote it, "" for unknown."""

    name: str
    confidence: float | None


@dataclass(slots=True)
class Answer:
    """What was found in an answer, by the labels of the request."""

    slides: dict[str, SlideResult] = field(default_factory=dict)
    categories: dict[str, CategoryAnswer] = field(default_factory=dict)


def parse(text: str, slides: Collection[str], posts: Collection[str]) -> Answer:
    """Return what the answer says about the slides and posts that were asked for."""
    answer, doubtful = Answer(), set()
    for item in _objects(_json(text)):
        label = _label(item.get("label"))
        if label in slides and (slide := _slide(label, item)) is not None:
            known = answer.slides.setdefault(label, slide)
            if known.text != slide.text:
                doubtful.add(label)
        elif label in posts and isinstance(item.get("category"), str):
            category = CategoryAnswer(
                clean(item["category"], CATEGORY_LIMIT),
                _confidence(item.get("category_confidence")),
            )
            answer.categories.setdefault(label, category)
    for label in doubtful:
        del answer.slides[label]
    return answer


def choose_category(
    answered: CategoryAnswer, names: Collection[str], *, allow_new: bool
) -> CategoryAnswer | None:
    """Return the answer with the list's own spelling, a new name if allowed, None if unknown."""
    wanted = " ".join(answered.name.split())
    for name in names:
        if " ".join(name.split()).casefold() == wanted.casefold():
            return CategoryAnswer(name, answered.confidence)
    if not allow_new or wanted.casefold() in _NO_CATEGORY:
        return None
    return CategoryAnswer(wanted, answered.confidence)


def clean(text: str, limit: int) -> str:
    """Return text that a database takes: no NUL, no other controls, no lone surrogates."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", plain).strip()[:limit]


def _slide(label: str, item: Mapping[str, Any]) -> SlideResult | None:
    text = item.get("text")
    if not isinstance(text, str):
        return None
    words = clean(text, TEXT_LIMIT)
    language = item.get("language")
    description = item.get("description")
    return SlideResult(
        label=label,
        text=words,
        description=clean(description, DESCRIPTION_LIMIT) if isinstance(description, str) else "",
        slide_type=_slide_type(item.get("slide_type")),
        language=language_code(language) if words and isinstance(language, str) else "",
        confidence=_confidence(item.get("confidence")),
    )


def _slide_type(answered: object) -> SlideType:
    wanted = str(answered).strip().lower()
    return next((known for known in SLIDE_TYPES if known == wanted), "unknown")


def _confidence(answered: object) -> float | None:
    """Return a share of one; percentages are understood, anything else is no answer."""
    if isinstance(answered, bool) or not isinstance(answered, int | float):
        return None
    value = float(answered)
    if not math.isfinite(value) or not 0 <= value <= 100:
        return None
    return value / 100 if value > 1 else value


def _label(answered: object) -> str:
    return str(answered).strip().lower().removeprefix("slide").removeprefix("post").strip()


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object at any depth, outer ones first."""
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _json(text: str) -> Any:
    """Return the first JSON value in the text, as much of it as is whole, None without any."""
    start = min((at for at in map(text.find, _OPENING) if at >= 0), default=-1)
    if start < 0:
        return None
    body = text[start:]
    value = _loaded(body)
    return _mended(body) if value is None else value


def _mended(text: str) -> Any:
    """Cut the text after the last value that was closed and close what is still open; where even
    that is no JSON, return the single objects that are."""
    ends = list(_ends(text))
    for _, end, closers in ends[:-9:-1]:
        if (value := _loaded(text[:end] + closers)) is not None:
            return value
    return [_loaded(text[start:end]) for start, end, _ in ends if text[start] == "{"]


def _ends(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield begin and end of every value in brackets that was closed, and the closers then due."""
    open_: list[tuple[str, int]] = []
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[][{}"]', text, re.DOTALL):
        char = token[0]
        if char == '"':  # a string that never ends: what follows is its text
            return
        if char in _OPENING:
            open_.append((_OPENING[char], token.start()))
        elif open_ and char == open_[-1][0]:
            start = open_.pop()[1]
            yield start, token.end(), "".join(closer for closer, _ in reversed(open_))


def _loaded(text: str) -> Any:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None

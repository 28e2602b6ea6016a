"""What the local reader says about a slide and a post beyond its text. Rules, no model.

Slide type: a slide without text is ``unknown``; the first slide of a post is its ``hook``; a later
slide that asks for something in so many words ("follow me", "link in bio") is ``cta``, the last
slide already for a single such verb; every other slide with text is ``content``.

Category: every category is a set of words (its name, its description and, where its name is a
known topic, that topic's words). Each of them that is found counts once: two in a hashtag, one in
caption or slides, one more if it is the category's own name. The highest sum of at least two
wins; a tie is unknown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ocr.engine import Context, SlideType
from ocr.local.calls import REQUESTS, UNSPACED_REQUESTS, VERBS
from ocr.local.topics import STOP_WORDS, TOPICS

RULES_VERSION: Final = "rules-2"

_ENOUGH: Final = 2
_HASHTAG: Final = re.compile(r"#(\w+)")
_WORD: Final = re.compile(r"\w+")


def fold(text: str) -> str:
    """Return the text in lower case without accents, white space collapsed."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(plain.casefold().split())


_REQUEST: Final = re.compile(
    rf"(?<!\w)(?:{'|'.join(re.escape(fold(phrase)) for phrase in REQUESTS)})"
    rf"|{'|'.join(re.escape(fold(phrase)) for phrase in UNSPACED_REQUESTS)}"
)
_VERB: Final = re.compile(rf"\b(?:{'|'.join(VERBS)})\b")


def slide_type(text: str, position: int, count: int) -> SlideType:
    """Return the part a slide plays. ``position`` counts from 0, ``count`` is the post's slides."""
    if not text.strip():
        return "unknown"
    if position == 0:
        return "hook"
    folded = fold(text)
    if _REQUEST.search(folded) or (position == count - 1 and _VERB.search(folded)):
        return "cta"
    return "content"


def description(lines: int, unread: int = 0) -> str:
    """Return one plain sentence about a slide with so many lines of text, read and not."""
    if not lines and not unread:
        return "Picture without text."
    if not lines:
        return f"Picture with {_count(unread)} of text that the local reader can't read."
    rest = f", and {unread} more that the local reader can't read" if unread else ""
    return f"Picture with {_count(lines)} of text{rest}."


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


@dataclass(frozen=True, slots=True)
class _Category:
    name: str
    own: frozenset[str]
    words: frozenset[str]


def category(
    caption: str, texts: Sequence[str], context: Context
) -> tuple[str | None, float | None]:
    """Return the category of a post and a modest confidence (at most 0.6), or (None, None)."""
    tags = frozenset(_words(" ".join(_HASHTAG.findall(caption))))
    words = frozenset(_words(" ".join((_HASHTAG.sub(" ", caption), *texts))))
    scores = {c.name: _score(c, tags, words) for c in _candidates(context)}
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < _ENOUGH:
        return None, None
    (name, best), second = ranked[0], ranked[1][1] if len(ranked) > 1 else 0
    if best == second:
        return None, None
    return name, round(min(0.6, 0.1 + 0.1 * best) * best / (best + second), 2)


def _candidates(context: Context) -> list[_Category]:
    """Return the listed categories and, where new ones are allowed, the topics they leave out."""
    listed, covered = [], set()
    for choice in context.categories:
        own = frozenset(_words(choice.name)) - STOP_WORDS
        words = own | {word for word in _words(choice.description) if len(word) > 3} - STOP_WORDS
        for topic, topic_words in TOPICS.items():
            if own & frozenset(_words(topic)) - STOP_WORDS:
                words |= topic_words
                covered.add(topic)
        listed.append(_Category(choice.name, own, words))
    if not context.allow_new_categories:
        return listed
    return listed + [
        _Category(topic, frozenset(_words(topic)) - STOP_WORDS, words)
        for topic, words in TOPICS.items()
        if topic not in covered
    ]


def _score(choice: _Category, tags: frozenset[str], words: frozenset[str]) -> int:
    score = 0
    for stem in choice.words:
        places = 2 * _found(stem, tags) + _found(stem, words)
        score += places + (1 if places and stem in choice.own else 0)
    return score


def _found(stem: str, words: frozenset[str]) -> bool:
    if stem in words:
        return True
    return len(stem) >= 5 and any(word.startswith(stem) for word in words)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))

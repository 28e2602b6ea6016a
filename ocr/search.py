"""Finding slides by what they say: what a person types, as conditions and as highlights.

A word finds slides that have it as a part of some word; where it is rare, words that are nearly
the same are found too (trigrams, so a wrong, missing or swapped letter does little harm). A phrase
in quotation marks, and anything after a minus, is taken as it stands and ends where words end.
Scripts that are written without spaces know no ends of words: there a part is enough.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocr.fold import fold, fold_with_offsets

MOST_TERMS = 16
NEARLY = 0.45  # of a word's trigrams have to be found again; two swapped letters of seven cost half
RARE = 20  # a word on fewer slides may be a misspelt one

_PARTS = re.compile(r'(-?)["“”„«»]([^"“”„«»]*)["“”„«»]?|(\S+)')
_APOSTROPHES = "'’ʼ`´"
# Thai, Lao, Tibetan, Myanmar, Khmer; kana, Hangul, CJK; the astral ideographs.
_UNSPACED = (
    *((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1100, 0x11FF)),
    *((0x2E80, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),
)

Condition = tuple[str, list[Any]]  # SQL about a row `slide` of ocr_slidereading, its parameters


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for. ``text`` is folded, with single spaces; ``raw`` as it was typed."""

    text: str
    raw: str = field(compare=False)
    is_phrase: bool
    is_excluded: bool

    @property
    def is_spaced(self) -> bool:
        """Whether its script separates words."""
        return not any(_unspaced(char) for char in self.text)

    @property
    def is_short(self) -> bool:
        """Too short for trigrams, but fit for the index of words."""
        return len(self.text) < 3 and self.text.isalnum() and self.is_spaced

    @property
    def may_be_misspelt(self) -> bool:
        whole = not (self.is_phrase or self.is_excluded)
        return whole and len(self.text) >= 4 and self.text.isalpha() and self.is_spaced


def parse(query: str) -> list[Term]:
    """The terms of a query. Raises ValueError, in words, where there is nothing to look for."""
    terms: dict[Term, None] = {}
    for minus, quoted, bare in _PARTS.findall(query):
        excluded = bool(minus) or (len(bare) > 1 and bare.startswith("-"))
        raw = " ".join((quoted or (bare[1:] if excluded and not minus else bare)).split())
        text = " ".join(fold(raw).split())
        if not quoted:
            text = _trimmed(text)
        if text:
            terms[Term(text, raw, bool(quoted) or " " in text, excluded)] = None
    if not any(not term.is_excluded for term in terms):
        raise ValueError("Write at least one word to look for.")
    if len(terms) > MOST_TERMS:
        raise ValueError(f"Write at most {MOST_TERMS} words.")
    return list(terms)


def _trimmed(word: str) -> str:
    """Without punctuation at its ends, unless it is nothing else."""
    start, end = 0, len(word)
    while start < end and unicodedata.category(word[start])[0] == "P":
        start += 1
    while end > start and unicodedata.category(word[end - 1])[0] == "P":
        end -= 1
    return word[start:end] or word


def _unspaced(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _UNSPACED)


# --- For the database ------------------------------------------------------------------------


def containing(text: str) -> str:
    """A LIKE pattern for texts with ``text`` in them; any apostrophe is as good as another."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return "%" + re.sub(f"[{_APOSTROPHES}]", "_", escaped) + "%"


def pattern(text: str) -> str:
    """A regular expression of PostgreSQL's for ``text`` as whole words, however they are spaced."""
    words = [_literal(word) for word in text.split(" ")]
    before = "(?<![[:alnum:]])" if _ends_a_word(text[0]) else ""
    after = "(?![[:alnum:]])" if _ends_a_word(text[-1]) else ""
    return before + r"\s+".join(words) + after


def _literal(word: str) -> str:
    return "".join(
        f"[{_APOSTROPHES}]" if c in _APOSTROPHES else f"\\{c}" if c in _SPECIAL else c for c in word
    )


_SPECIAL = frozenset(r".^$*+?()[]{}|\-#&~/")


def _ends_a_word(char: str) -> bool:
    return char.isalnum() and not _unspaced(char)


def condition(term: Term, *, nearly: bool = False) -> Condition:
    """What a slide has to fulfil for ``term``; ``nearly`` lets a misspelt word through.

    Every condition but that of an excluded term can use an index.
    """
    if term.is_excluded:
        sql, params = _phrase(term)
        return f"NOT {sql}", params
    if term.is_phrase:
        return _phrase(term)
    if term.is_short:
        return prefixed([term])
    sql, params = "slide.search_text LIKE %s", [containing(term.text)]
    if not nearly:
        return sql, [*params]
    return f"({sql} OR %s <%% slide.search_text)", [*params, term.text]


def _phrase(term: Term) -> Condition:
    """Whole words in a row. The regular expression is slow and comes last."""
    words = sorted(term.text.split(" "), key=len)[-3:]
    sql = " AND ".join(["slide.search_text LIKE %s"] * len(words))
    params = [containing(word) for word in words]
    return f"({sql} AND slide.search_text ~ %s)", [*params, pattern(term.text)]


def whole(terms: Sequence[Term]) -> Condition | None:
    """Slides that have every one of ``terms`` as a word, through the index of words.

    None where that index does not know all of them: phrases, signs, scripts without spaces.
    """
    if not all(_is_word(term) for term in terms):
        return None
    parts = [f"{'!' if term.is_excluded else ''}'{term.text}'" for term in terms]
    return f"{_VECTOR} @@ to_tsquery('simple', %s)", [" & ".join(parts)]


def prefixed(terms: Sequence[Term]) -> Condition:
    """Slides that have, for every one of ``terms``, a word that begins with it."""
    return f"{_VECTOR} @@ to_tsquery('simple', %s)", [" & ".join(f"'{t.text}':*" for t in terms)]


def _is_word(term: Term) -> bool:
    return term.text.isalnum() and term.is_spaced and (term.is_excluded or not term.is_phrase)


_VECTOR = "to_tsvector('simple'::regconfig, COALESCE(slide.search_text, ''))"


def rank(terms: Sequence[Term]) -> Condition:
    """How well a slide fits, 0 to 1: whole words count 1, parts of words less, near ones least."""
    parts, params = [], list[Any]()
    for term in terms:
        if term.is_phrase or not term.is_spaced:
            parts.append("1.0")
            continue
        parts.append(
            "CASE WHEN slide.search_text ~ %s THEN 1.0 WHEN slide.search_text LIKE %s THEN 0.75 "
            "ELSE 0.6 * word_similarity(%s, slide.search_text) END"
        )
        params += [pattern(term.text), containing(term.text), term.text]
    return f"({' + '.join(parts)})::float8 / {len(parts)}", params


# --- For the eye -------------------------------------------------------------------------------


def highlights(text: str, terms: Iterable[Term]) -> list[list[int]]:
    """Where ``terms`` are in ``text``: start and end in code points, in order, not overlapping."""
    folded, offsets = fold_with_offsets(text)
    spans = sorted(span for term in terms if not term.is_excluded for span in _spans(folded, term))
    merged: list[list[int]] = []
    for start, end in spans:
        first, last = offsets[start], offsets[end - 1] + 1
        while last < len(text) and unicodedata.combining(text[last]):
            last += 1
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged


def _spans(folded: str, term: Term) -> list[tuple[int, int]]:
    found = [match.span() for match in _eye_pattern(term).finditer(folded)]
    if found or not term.may_be_misspelt:
        return found
    wanted = _trigrams(term.text)
    near = [
        (len(wanted & _trigrams(word)) / len(wanted), start, end)
        for word, start, end in _words(folded)
    ]
    best = max((score for score, _, _ in near), default=0.0)
    return [(start, end) for score, start, end in near if score >= max(NEARLY, best * 0.9)]


def _eye_pattern(term: Term) -> re.Pattern[str]:
    body = r"\s+".join(
        "".join(f"[{_APOSTROPHES}]" if c in _APOSTROPHES else re.escape(c) for c in word)
        for word in term.text.split(" ")
    )
    if (term.is_phrase or term.is_short) and _ends_a_word(term.text[0]):
        body = r"(?<![^\W_])" + body
    if term.is_phrase and _ends_a_word(term.text[-1]):
        body += r"(?![^\W_])"
    return re.compile(body)


def _words(folded: str) -> Iterator[tuple[str, int, int]]:
    for match in re.finditer(r"[^\W_]+", folded):
        yield match.group(), *match.span()


def _trigrams(word: str) -> set[str]:
    """As pg_trgm has them: two spaces before the word, one behind (documentation, F.35)."""
    padded = f"  {word} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}

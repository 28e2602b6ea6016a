"""Finding slides by what they say: what a person types, as conditions and as highlights.

A word finds slides that have it as a part of some word; where it is rare, words that are one slip
away are found too (a letter wrong, missing, too many, or two swapped). A phrase in quotation marks,
and anything after a minus, is taken as it stands and ends where words end. Scripts that are written
without spaces know no ends of words: there a part is enough.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocr.fold import fold, fold_with_offsets
from ocr.lexemes import is_unspaced, misspellings, pairs, spaced_words

MOST_TERMS = 16
RARE = 20  # a word on fewer slides may be a misspelt one

_PARTS = re.compile(r'(-?)["“”„«»]([^"“”„«»]*)["“”„«»]?|(\S+)')
_APOSTROPHES = "'’ʼ`´"

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
        return not is_unspaced(self.text)

    @property
    def is_exact(self) -> bool:
        """Whether it is taken as it stands: no part of a word and no near one will do."""
        return self.is_phrase or self.is_excluded or not self.is_spaced

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


# --- For the database ------------------------------------------------------------------------


def containing(text: str) -> str:
    """A LIKE pattern for texts with ``text`` in them; any apostrophe is as good as another."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return "%" + re.sub(f"[{_APOSTROPHES}]", "_", escaped) + "%"


def pattern(text: str) -> str:
    """A regular expression of PostgreSQL's for ``text`` as whole words."""
    before = "(?<![[:alnum:]])" if _ends_a_word(text[0]) else ""
    after = "(?![[:alnum:]])" if _ends_a_word(text[-1]) else ""
    return before + _literal(text) + after


def _literal(text: str) -> str:
    return "".join(
        f"[{_APOSTROPHES}]" if c in _APOSTROPHES else f"\\{c}" if c in _SPECIAL else c for c in text
    )


_SPECIAL = frozenset(r".^$*+?()[]{}|\-#&~/")


def _ends_a_word(char: str) -> bool:
    return char.isalnum() and not is_unspaced(char)


def condition(term: Term, *, near: Sequence[str] = ()) -> Condition:
    """What a slide has to fulfil for ``term``; ``near`` are other words that will do.

    Every condition but that of an excluded term can use an index.
    """
    if term.is_excluded:
        return _absent(term)
    if term.is_short:
        return prefixed([term])
    if term.is_exact and (found := whole([term])) is not None:
        return found
    if term.is_phrase:
        return _in_a_row(term)
    sql, params = "slide.search_text LIKE %s", [containing(term.text)]
    if not near:
        return sql, [*params]
    return f"({sql} OR {VECTOR} @@ %s::tsquery)", [*params, " | ".join(map(_lexeme, near))]


def _in_a_row(term: Term) -> Condition:
    """Whole words in a row. The regular expression is slow and comes last."""
    there = containing(term.text)
    sql = """(slide.search_text LIKE %s
        AND (' ' || slide.search_text || ' ' LIKE %s OR slide.search_text ~ %s))"""
    return sql, [there, f"% {there[1:-1]} %", pattern(term.text)]


def _absent(term: Term) -> Condition:
    if term.is_spaced:
        sql, params = _in_a_row(term)
        return f"NOT {sql}", params
    return "slide.search_text NOT LIKE %s", [containing(term.text)]


def whole(terms: Sequence[Term]) -> Condition | None:
    """Slides that have every one of ``terms`` as whole words, through the index of words.

    None where that index can't tell: a term that has no letters, or nothing to look for.
    """
    lexemes, conditions, params = [], list[str](), list[Any]()
    for term in terms:
        own = _lexemes_of(term)
        if term.is_excluded and own != [_lexeme(term.text)]:
            sql, values = _absent(term)
            conditions, params = [*conditions, sql], [*params, *values]
            continue
        if not own:
            return None
        lexemes += [f"!{lexeme}" for lexeme in own] if term.is_excluded else own
        if own not in ([_lexeme(term.text)], [_beginning(term.text)]):
            sql, values = _as_it_stands(term)
            conditions, params = [*conditions, sql], [*params, *values]
    if not lexemes:
        return None
    found = " AND ".join([f"{VECTOR} @@ %s::tsquery", *conditions])
    return f"({found})", [" & ".join(lexemes), *params]


def _as_it_stands(term: Term) -> Condition:
    if term.is_phrase:
        return _in_a_row(term)
    return "slide.search_text LIKE %s", [containing(term.text)]


def _lexemes_of(term: Term) -> list[str]:
    """What the index of words has wherever ``term`` stands."""
    found = [(_lexeme if len(pair) > 1 else _beginning)(pair) for pair in pairs(term.text)]
    if not found or term.is_phrase:  # else a word at its end may be part of another
        found += [_lexeme(word) for word in spaced_words(term.text)]
    return found


def _lexeme(word: str) -> str:
    return f"'{word}'"  # a word has no quotation marks and no backslashes


def _beginning(word: str) -> str:
    return f"{_lexeme(word)}:*"


def prefixed(terms: Sequence[Term]) -> Condition:
    """Slides that have, for every one of ``terms``, a word that begins with it."""
    return f"{VECTOR} @@ %s::tsquery", [" & ".join(_beginning(term.text) for term in terms)]


VECTOR = "ocr_lexemes(slide.search_text)"


def rank(terms: Sequence[Term]) -> Condition:
    """How well a slide fits, 0 to 1: whole words count 1, parts of words less, near ones least."""
    parts, params = [], list[Any]()
    for term in terms:
        if term.is_exact:
            parts.append("1.0")
            continue
        fits, values = whole([term]) or ("slide.search_text LIKE %s", [containing(term.text)])
        parts.append(
            f"CASE WHEN {fits} THEN 1.0 WHEN slide.search_text LIKE %s THEN 0.75 ELSE 0.5 END"
        )
        params += [*values, containing(term.text)]
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
    near = misspellings(term.text)
    return [(start, end) for word, start, end in _words(folded) if word in near]


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

"""The words of a text, as the index of words has them.

``ocr_lexemes`` (migration 0008) does the same in the database. A word is what lies between
blanks and signs. Scripts without spaces, and pictographs, know no words: each of their letters is a
lexeme together with the one after it, and the last one alone, so that any two neighbours can be
looked up as they stand, and a single one as what a lexeme begins with. Nothing here depends on a
server's locale.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise
from unicodedata import category, name

from ocr.fold import fold

# Thai, Lao, Tibetan, Myanmar; Hangul; Khmer; arrows to dingbats; kana, ideographs; pictographs and
# the astral ideographs.
_UNSPACED = (
    r"\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2190-\u2bff\u2e80-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\U0001f000-\U0003ffff"
)
# ASCII, Latin-1; apostrophes among letters; Greek to Devanagari, one by one; general punctuation
# with currencies and marks for signs, and the rest of it.
_SIGNS = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    r"\u00d7\u00f7\u02bb-\u02bd\u037e\u0384\u0385\u0387\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3"
    r"\u05c6\u05f3\u05f4\u0609-\u060d\u061b-\u061f\u066a-\u066d\u06d4\u0700-\u070d\u0964\u0965\u0970"
    r"\u2000-\u20ff\u2e00-\u2e7f\ufe00-\ufe0f"
)
_BETWEEN = re.compile(f"[{_SIGNS}{_UNSPACED}]+")
UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")


def is_unspaced(text: str) -> bool:
    """Whether any of its letters is of a script without spaces, or a pictograph."""
    return UNSPACED_RUN.search(text) is not None


def spaced_words(folded: str) -> list[str]:
    """The words of a folded text, without those of scripts that have none."""
    return [word for word in _BETWEEN.split(folded) if word]


def pairs(folded: str) -> list[str]:
    """Neighbours in scripts without spaces; a single letter where it has none."""
    found = []
    for run in UNSPACED_RUN.findall(folded):
        found += [first + second for first, second in pairwise(run)] or [run]
    return found


@lru_cache(maxsize=256)
def misspellings(word: str) -> frozenset[str]:
    """Every word that is one slip away: a letter wrong, missing, too many, or two swapped."""
    letters = frozenset[str]().union(*map(_alphabet, word))
    slips = set[str]()
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        slips.update(before + letter + after for letter in letters)
        if after:
            slips.add(before + after[1:])
            slips.update(before + letter + after[1:] for letter in letters)
        if len(after) > 1:
            slips.add(before + after[1] + after[0] + after[2:])
    return frozenset(slips - {word})


@cache
def _alphabet(char: str) -> frozenset[str]:
    """The letters of a letter's script, as folding leaves them; without those hardly ever met."""
    script = name(char, "").partition(" ")[0]
    block = ord(char) & ~0x7F  # Latin: the first three blocks of 128
    return frozenset(
        letter
        for letter in map(chr, range(block, block + 0x80 if block else 0x180))
        if category(letter)[0] == "L"
        and fold(letter) == letter
        and name(letter, "").startswith(script)
    )

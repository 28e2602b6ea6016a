"""Folding text for search: what a reader would call the same letters becomes the same letters."""

from __future__ import annotations

import unicodedata

# Accents of Latin, Greek and Cyrillic. Marks of other scripts are letters there (Thai, Hindi).
_ACCENTS = range(0x0300, 0x0370)


def fold(text: str) -> str:
    """Lower-case, no accents, compatibility forms unified: ``Ünïted ﬁt`` → ``united fit``."""
    return fold_with_offsets(text)[0]


def searchable(text: str) -> str:
    """Folded, with one space between words, as the search has it: a phrase may run over lines."""
    return " ".join(fold(text).split())


def fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its code points the index of the one it came from."""
    folded: list[str] = []
    offsets: list[int] = []
    for index, char in enumerate(text):
        for part in unicodedata.normalize("NFKD", char).casefold():
            if ord(part) not in _ACCENTS:
                folded.append(part)
                offsets.append(index)
    return "".join(folded), offsets

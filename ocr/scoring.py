"""How well a text was read: errors per character, and whether the words are in their order.

Pure arithmetic, for scores of hand-labelled samples and for benchmarks.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Sums over the texts that were compared.

    ``characters`` and ``errors`` count code points; ``exact`` are texts without an error;
    ``invented`` are texts where there is nothing to read. ``out_of_order`` counts words that were
    read rightly but stand in another place, of ``words_found``.
    """

    texts: int = 0
    characters: int = 0
    errors: int = 0
    exact: int = 0
    blank: int = 0
    invented: int = 0
    words_found: int = 0
    out_of_order: int = 0
    right: dict[str, int] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)

    def add(self, got: str, want: str) -> None:
        """Compare one text with what there is to read."""
        got, want = plain(got), plain(want)
        errors = edit_distance(got, want)
        self.texts += 1
        self.characters += len(want)
        self.errors += errors
        self.exact += errors == 0
        if not want:
            self.blank += 1
            self.invented += bool(got)
        found, moved = order(got.split(), want.split())
        self.words_found += found
        self.out_of_order += moved

    def judge(self, what: str, *, right: bool) -> None:
        """Count a judgement (``category``, ``slide_type``) that can be right or wrong."""
        self.judged[what] = self.judged.get(what, 0) + 1
        self.right[what] = self.right.get(what, 0) + right

    @property
    def character_error_rate(self) -> float | None:
        """Errors per character that there is to read; None where there is none."""
        return self.errors / self.characters if self.characters else None

    @property
    def order_rate(self) -> float | None:
        """Share of the words found that stand where they belong, relative to one another."""
        return 1 - self.out_of_order / self.words_found if self.words_found else None

    def accuracy(self, what: str) -> float | None:
        """Share of right judgements."""
        return self.right[what] / self.judged[what] if self.judged.get(what) else None


def plain(text: str) -> str:
    """Text as it is compared: one form per character, white space folded, case kept."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def edit_distance(got: str, want: str) -> int:
    """Insertions, deletions and substitutions between two texts (Levenshtein, 1965)."""
    if len(got) < len(want):
        got, want = want, got
    row = list(range(len(want) + 1))
    for i, a in enumerate(got, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(want, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def order(got: list[str], want: list[str]) -> tuple[int, int]:
    """Words of ``want`` that were found, and how many of these are out of their order: those
    outside of the longest increasing run of places (patience sorting)."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(want):
        places.setdefault(word, []).append(place)
    found = [places[word].pop(0) for word in got if places.get(word)]
    tails: list[int] = []
    for place in found:
        low = next((i for i, tail in enumerate(tails) if tail > place), len(tails))
        tails[low : low + 1] = [place]
    return len(found), len(found) - len(tails)

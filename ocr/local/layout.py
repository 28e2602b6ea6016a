"""From boxes of recognised text to the text of a slide, in the order a person reads it."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean, median
from typing import Final

from ocr.local.boxes import Box, Span, level

MIN_SCORE: Final = 0.7
"""Lines below this are noise. On drawn slides (outlines, boxes, 20 px print, low contrast, grain,
12 degrees) every right line scored 0.93 or more; scripts the model does not know and textures
scored under 0.7."""

MIN_SHORT_SCORE: Final = 0.9
"""The same for lines of one or two letters or digits, which textures produce most."""

MIN_GREEK_SCORE: Final = 0.9
"""The same for lines with Greek letters: the model knows those without accents, and so writes Greek
half in Latin ones (0.77 to 0.85), while a right line with a stray π is as sure as any."""

_LINE_SHAPE: Final = 3.0
"""Width over height. Lines in scripts the model does not know had 3.5 to 21, textures under 2.2."""

_OVERLAP: Final = 0.5

_PROSE: Final = 5.0
"""Width over height of a column's lines on the average; the cells of a table are shorter."""

_GUTTER: Final = 0.8
"""Room between two columns, in heights of a line; words have about 0.3 between them."""

MOST_SPANS: Final = 300
"""Pieces of text up to which columns are looked for."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The text of a slide, one entry per line, and its confidence (None without text).

    ``unread`` counts what has the shape of a line but could not be read: another script, most
    often. A slide with nothing but such lines has the confidence 0.
    """

    lines: tuple[str, ...] = ()
    confidence: float | None = None
    unread: int = 0

    @property
    def text(self) -> str:
        """The lines joined by line breaks."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Two columns of prose that stand side by side, and what is above and below them."""

    above: list[Span]
    left: list[Span]
    right: list[Span]
    below: list[Span]


def arrange(boxes: Sequence[Box]) -> Layout:
    """Return the lines of a slide from top to bottom, each from left to right.

    Which way is up is told by the direction in which most text runs; so upright columns of
    Chinese or Japanese are read from right to left. Pieces belong to one line if they overlap
    vertically by half of the smaller one. Columns of prose are read one after the other, the
    cells of a table row by row. The confidence is the mean score weighted by length.
    """
    kept = [box for box in boxes if _is_text(box)]
    unread = sum(_is_line(box) for box in boxes if not _is_text(box))
    if not kept:
        return Layout((), 0.0 if unread else None, unread)
    spans = sorted(level(kept), key=lambda span: span.top + span.bottom)
    lines = _blocks(spans) if len(spans) <= MOST_SPANS else _lines(spans)
    weight = sum(len(box.text) for box in kept)
    confidence = sum(box.score * len(box.text) for box in kept) / weight
    return Layout(tuple(lines), round(confidence, 4), unread)


def _is_text(box: Box) -> bool:
    letters = sum(char.isalnum() for char in box.text)
    least = MIN_SCORE if letters > 2 else MIN_SHORT_SCORE
    if any("\u0370" <= char <= "\u03ff" for char in box.text):
        least = max(least, MIN_GREEK_SCORE)
    return letters > 0 and box.score >= least


def _is_line(box: Box) -> bool:
    width, height = box.size
    return width >= _LINE_SHAPE * height


def _blocks(spans: list[Span]) -> list[str]:
    """Return the lines of spans that are sorted downwards, column by column."""
    found = max(_columns(spans), key=lambda cut: len(cut.left) + len(cut.right), default=None)
    if found is None:
        return _lines(spans)
    parts = (found.above, found.left, found.right, found.below)
    return [line for part in parts for line in _blocks(part)]


def _columns(spans: list[Span]) -> Iterator[_Columns]:
    """Yield every way to see two columns: a gutter that no piece crosses for some lines."""
    for at in {span.left for span in spans}:
        first = 0
        for crossing, run in itertools.groupby(spans, partial(_crosses, at=at)):
            band = list(run)
            rest = first + len(band)
            left = [span for span in band if span.right <= at]
            right = [span for span in band if span.left >= at]
            if not crossing and _are_columns(left, right):
                yield _Columns(spans[:first], left, right, spans[rest:])
            first = rest


def _crosses(span: Span, *, at: float) -> bool:
    return span.left < at < span.right


def _are_columns(left: list[Span], right: list[Span]) -> bool:
    """Whether these are two blocks of prose beside one another with room between them."""
    if min(len(left), len(right)) < 2 or any(span.astray for span in (*left, *right)):
        return False
    room = min(span.left for span in right) - max(span.right for span in left)
    if room < _GUTTER * median(span.height for span in (*left, *right)):
        return False
    shared = min(_end(left), _end(right)) - max(left[0].top, right[0].top)
    least = min(_end(left) - left[0].top, _end(right) - right[0].top)
    return shared >= _OVERLAP * least and _is_prose(left) and _is_prose(right)


def _end(column: list[Span]) -> float:
    return max(span.bottom for span in column)


def _is_prose(column: list[Span]) -> bool:
    return mean(span.width / max(span.height, 1) for span in column) >= _PROSE


def _lines(spans: list[Span]) -> list[str]:
    rows: list[list[Span]] = []
    for span in spans:
        if rows and _same_line(rows[-1], span):
            rows[-1].append(span)
        else:
            rows.append([span])
    return [_joined(sorted(row, key=lambda span: span.left)) for row in rows]


def _same_line(row: list[Span], span: Span) -> bool:
    if span.astray or row[-1].astray:
        return False
    top = mean(each.top for each in row)
    bottom = mean(each.bottom for each in row)
    shared = min(bottom, span.bottom) - max(top, span.top)
    return shared >= _OVERLAP * min(bottom - top, span.height)


def _joined(row: list[Span]) -> str:
    text = row[0].text
    for left, right in itertools.pairwise(row):
        touching = right.left - left.right < 0.5 * min(left.height, right.height)
        unspaced = touching and _is_cjk(left.text[-1]) and _is_cjk(right.text[0])
        text += ("" if unspaced else " ") + right.text
    return text


def _is_cjk(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"

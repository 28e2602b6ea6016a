"""From boxes of recognised text to the text of a slide, in the order a person reads it."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

MIN_SCORE: Final = 0.7
"""Lines below this are noise. On drawn slides (outlines, boxes, 20 px print, low contrast, grain,
12 degrees) every right line scored 0.93 or more; scripts the model does not know and textures
scored under 0.7."""

MIN_SHORT_SCORE: Final = 0.9
"""The same for lines of one or two letters or digits, which textures produce most."""

_LINE_SHAPE: Final = 3.0
"""Width over height. Lines in scripts the model does not know had 3.5 to 21, textures under 2.2."""

_OVERLAP: Final = 0.5
_LEVEL: Final = math.radians(1)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """One piece of text: its four corners clockwise from the top left in pixels, score 0 to 1."""

    corners: tuple[Point, ...]
    text: str
    score: float


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
class _Span:
    left: float
    right: float
    top: float
    bottom: float
    text: str

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left


def arrange(boxes: Sequence[Box]) -> Layout:
    """Return the lines of a slide from top to bottom, each from left to right.

    Pieces belong to one line if they overlap vertically by half of the smaller one, measured
    after turning the slide by the median angle of its wide boxes. Where most pieces are upright
    columns of Chinese or Japanese, columns are read from right to left. The confidence is the
    mean score weighted by length.
    """
    kept = [box for box in boxes if _is_text(box)]
    unread = sum(_is_line(box) for box in boxes if not _is_text(box))
    if not kept:
        return Layout((), 0.0 if unread else None, unread)
    spans = _turned(kept)
    lines = _columns(spans) if _is_vertical(spans) else _lines(spans)
    weight = sum(len(box.text) for box in kept)
    confidence = sum(box.score * len(box.text) for box in kept) / weight
    return Layout(tuple(lines), round(confidence, 4), unread)


def _is_text(box: Box) -> bool:
    letters = sum(char.isalnum() for char in box.text)
    return letters > 0 and box.score >= (MIN_SCORE if letters > 2 else MIN_SHORT_SCORE)


def _is_line(box: Box) -> bool:
    width, height = _size(box)
    return width >= _LINE_SHAPE * height


def _size(box: Box) -> tuple[float, float]:
    """Return width and height of a box along its own sides."""
    (x0, y0), (x1, y1), _, (x3, y3) = box.corners
    return math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)


def _turned(boxes: Sequence[Box]) -> list[_Span]:
    angle = _slope(boxes)
    cos, sin = math.cos(angle), math.sin(angle)
    spans = []
    for box in boxes:
        turned = [(x * cos + y * sin, y * cos - x * sin) for x, y in box.corners]
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = turned
        text = " ".join(box.text.split())
        spans.append(_Span((x0 + x3) / 2, (x1 + x2) / 2, (y0 + y1) / 2, (y2 + y3) / 2, text))
    return spans


def _slope(boxes: Sequence[Box]) -> float:
    """Return the angle in radians the text runs at, 0 for text that is level."""
    angles = []
    for box in boxes:
        width, height = _size(box)
        if width >= 2 * height:
            (x0, y0), (x1, y1) = box.corners[:2]
            angles.append(math.atan2(y1 - y0, x1 - x0))
    angle = median(angles) if angles else 0.0
    return angle if abs(angle) > _LEVEL else 0.0


def _lines(spans: list[_Span]) -> list[str]:
    rows: list[list[_Span]] = []
    for span in sorted(spans, key=lambda s: s.top + s.bottom):
        if rows and _same_line(rows[-1], span):
            rows[-1].append(span)
        else:
            rows.append([span])
    return [_joined(sorted(row, key=lambda s: s.left)) for row in rows]


def _same_line(row: list[_Span], span: _Span) -> bool:
    top = sum(s.top for s in row) / len(row)
    bottom = sum(s.bottom for s in row) / len(row)
    shared = min(bottom, span.bottom) - max(top, span.top)
    return shared >= _OVERLAP * min(bottom - top, span.height)


def _joined(row: list[_Span]) -> str:
    text = row[0].text
    for left, right in itertools.pairwise(row):
        touching = right.left - left.right < 0.5 * min(left.height, right.height)
        unspaced = touching and _is_cjk(left.text[-1]) and _is_cjk(right.text[0])
        text += ("" if unspaced else " ") + right.text
    return text


def _is_vertical(spans: list[_Span]) -> bool:
    upright = [s for s in spans if s.height >= 1.5 * s.width and len(s.text) > 1]
    return 2 * len(upright) > len(spans) and all(_is_cjk(s.text[0]) for s in upright)


def _columns(spans: list[_Span]) -> list[str]:
    return [s.text for s in sorted(spans, key=lambda s: -(s.left + s.right))]


def _is_cjk(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"

"""Boxes of recognised text, whichever way they run, and the same laid level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

_LEVEL: Final = 1.0
_ASTRAY: Final = 30.0
"""Degrees: text that runs less askew is level, and a box that is turned by more from the rest of
its slide has nothing to do with their lines."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """One piece of text: its four corners clockwise in pixels, score 0 to 1.

    The first corner is where the text begins, at the top left of the slide if it is level.
    """

    corners: tuple[Point, ...]
    text: str
    score: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height along its own sides."""
        (x0, y0), (x1, y1), _, (x3, y3) = self.corners
        return math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)

    @property
    def angle(self) -> float:
        """Degrees clockwise that it is turned by."""
        (x0, y0), (x1, y1) = self.corners[:2]
        return math.degrees(math.atan2(y1 - y0, x1 - x0))


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text on a slide that was turned so that most of its text is level. ``astray``
    runs another way than the rest."""

    left: float
    right: float
    top: float
    bottom: float
    text: str
    astray: bool = False

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left


def level(boxes: Sequence[Box]) -> list[Span]:
    """Turn the slide by the angle that most of its text runs at."""
    angle = _slope(boxes)
    return [_span(box, angle) for box in boxes]


def _span(box: Box, slope: float) -> Span:
    angle = math.radians(slope)
    cos, sin = math.cos(angle), math.sin(angle)
    turned = [(x * cos + y * sin, y * cos - x * sin) for x, y in box.corners]
    text = " ".join(box.text.split())
    if abs(_between(box.angle, slope)) > _ASTRAY:
        xs, ys = zip(*turned, strict=True)
        return Span(min(xs), max(xs), min(ys), max(ys), text, astray=_is_wide(box))
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = turned
    return Span((x0 + x3) / 2, (x1 + x2) / 2, (y0 + y1) / 2, (y2 + y3) / 2, text)


def _slope(boxes: Sequence[Box]) -> float:
    """Return the median angle of the wide boxes that run the way in which most text runs."""
    quarters: dict[int, list[Box]] = {}
    for box in boxes:
        if _is_wide(box):
            quarters.setdefault(round(box.angle / 90) % 4, []).append(box)
    if not quarters:
        return 0.0
    most = max(quarters, key=lambda quarter: sum(box.size[0] for box in quarters[quarter]))
    askew = median(_between(box.angle, 90 * most) for box in quarters[most])
    return 90 * most + (askew if abs(askew) > _LEVEL else 0.0)


def _is_wide(box: Box) -> bool:
    width, height = box.size
    return width >= 2 * height


def _between(angle: float, other: float) -> float:
    """Return the difference of two angles, from -180 to 180 degrees."""
    return (angle - other + 180) % 360 - 180

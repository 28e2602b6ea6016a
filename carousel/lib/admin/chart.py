"""A number over time as a small picture: SVG, drawn here, no script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from carousel.lib.admin.base import compact

Point = tuple[datetime, int | None]
WIDTH, HEIGHT, MARGIN = 280, 72, 6  # in the picture's own units


def line_chart(label: str, points: Sequence[Point]) -> SafeString:
    """One number over time, oldest first; an unknown value is a gap in the line, and a fall is
    marked and counted."""
    known = [(moment, value) for moment, value in points if value is not None]
    if not known:
        return format_html(
            '<figure class="chart"><figcaption>{} <b>–</b></figcaption></figure>', label
        )
    first, last = known[0], known[-1]
    ends = (first[0], last[0] if len(known) > 1 else None)
    change = last[1] - first[1]
    moved = ("+" if change >= 0 else "−", compact(abs(change))) if len(known) > 1 else ("", "")
    falls = len(_falls(known))
    fell = f"fell {falls} time{'s' * (falls > 1)}" if falls else ""
    return format_html(
        '<figure class="chart"><figcaption>{} <b>{}</b> <small>{}{} {}</small></figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
        "<footer><span>{}</span><span>{}</span></footer></figure>",
        *(label, compact(last[1]), *moved, fell),
        *(WIDTH, HEIGHT, f"{label}: from {first[1]:,} to {last[1]:,} in {len(known)} steps"),
        _drawing(points, known),
        *("" if moment is None else f"{moment:%d %b %Y %H:%M}" for moment in ends),
    )


def _falls(known: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """The points that lie lower than the one before them."""
    return [point for before, point in pairwise(known) if point[1] < before[1]]


def _drawing(points: Sequence[Point], known: Sequence[tuple[datetime, int]]) -> SafeString:
    """A line for each stretch of known values, a dot for the last one and one for each fall."""
    begin, end = known[0][0].timestamp(), known[-1][0].timestamp()
    low, high = min(value for _, value in known), max(value for _, value in known)

    def place(moment: datetime, value: int) -> tuple[float, float]:
        along = (moment.timestamp() - begin) / ((end - begin) or 1)
        up = (value - low) / ((high - low) or 1) if high > low else 0.5
        across = WIDTH - 2 * MARGIN
        return MARGIN + along * across, HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    stretches: list[list[str]] = [[]]
    for moment, value in points:
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append("{:.1f},{:.1f}".format(*place(moment, value)))
    lines = "".join(f'<polyline points="{" ".join(s)}"/>' for s in stretches if len(s) > 1)
    for x, y in (place(*fall) for fall in _falls(known)):
        lines += f'<circle class="fall" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
    x, y = place(*known[-1])
    # Nothing but numbers made here.
    return mark_safe(f'{lines}<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>')

"""PostgreSQL array literals, a whole column at a time.

Set-based statements get their columns as arrays. A driver adapts each element by itself; a page of
posts has thousands, and a few passes over one long string take a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

_BETWEEN = "\x1f"  # the control character for that; it means nothing in anybody's text


def texts(values: Sequence[str]) -> str:
    """The literal of a ``text[]`` without nulls. A unit separator in a text becomes a space."""
    if not values:
        return "{}"
    joined = _BETWEEN.join(values)
    if joined.count(_BETWEEN) >= len(values):
        return texts([value.replace(_BETWEEN, " ") for value in values])
    quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace(_BETWEEN, '","')
    return f'{{"{quoted}"}}'


def plain(values: Iterable[int | bool | datetime | None]) -> str:
    """The literal of an array of numbers, booleans or times; ``None`` is null."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def uuids(values: Iterable[UUID | None]) -> str:
    """The literal of a ``uuid[]``; ``None`` is null."""
    return "{" + ",".join(["NULL" if v is None else f"{v.int:032x}" for v in values]) + "}"

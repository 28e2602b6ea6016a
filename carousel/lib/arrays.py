"""PostgreSQL array literals, a whole column at a time.

Set-based statements get their columns as arrays. A driver adapts each element by itself; a page of
posts has thousands, and a few passes over one long string take a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

# The control characters for that; they mean nothing in anybody's text.
_BETWEEN, _WITHIN = "\x1f", "\x1e"


def texts(values: Sequence[str]) -> str:
    """The literal of a ``text[]`` without nulls. A unit separator in a text becomes a space."""
    if not values:
        return "{}"
    joined = _BETWEEN.join(values)
    if joined.count(_BETWEEN) >= len(values):
        return texts([value.replace(_BETWEEN, " ") for value in values])
    quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace(_BETWEEN, '","')
    return f'{{"{quoted}"}}'


def lists(values: Sequence[Sequence[str]]) -> list[str]:
    """A literal of a ``text[]`` for each of ``values``. A separator in a text becomes a space."""
    if not (values and all(values)):
        return [texts(list(value)) for value in values]
    joined = _BETWEEN.join([_WITHIN.join(value) for value in values])
    parts = sum(map(len, values))
    if joined.count(_BETWEEN) + joined.count(_WITHIN) >= parts:
        return [texts(list(value)) for value in values]
    quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace(_WITHIN, '","')
    return [f'{{"{cell}"}}' for cell in quoted.split(_BETWEEN)]


def plain(values: Iterable[int | bool | datetime | None]) -> str:
    """The literal of an array of numbers, booleans or times; ``None`` is null."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def uuids(values: Iterable[UUID | None]) -> str:
    """The literal of a ``uuid[]``; ``None`` is null."""
    return "{" + ",".join(["NULL" if v is None else f"{v.int:032x}" for v in values]) + "}"

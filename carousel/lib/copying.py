"""Rows that are all new, by PostgreSQL's COPY: it writes many at a time, INSERT one by one.

As in ``carousel.lib.arrays``, a few passes over one long string per column take the place of a
driver that adapts each of thousands of values by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import NoneType
from typing import Any, cast
from uuid import UUID

from django.db import connection
from psycopg import Connection, sql

_BETWEEN = "\x1f"  # the control character for that; it means nothing in anybody's text
_ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))


def copy_rows(
    table: str, columns: Mapping[str, Sequence[object]], same: Mapping[str, object]
) -> None:
    """Add a row to ``table`` for each place in ``columns``, which are equally long.

    ``same`` are columns with one value for all rows; those named in neither get the database's
    defaults. ``None`` is null, of anything else its text counts (an array is a literal of
    ``carousel.lib.arrays``). A unit separator in a text becomes a space. There is no ON CONFLICT:
    a row that exists raises IntegrityError. Does not show among Django's queries.
    """
    cells = [_cells(values) for values in columns.values()]
    ends = "".join(f"\t{cell}" for cell in _cells(list(same.values()))) + "\n"
    lines = ["\t".join(row) + ends for row in zip(*cells, strict=True)]
    connection.ensure_connection()
    # Not Django's cursor: that one's adapters, which nothing here needs, cost more than a COPY of
    # a few rows.
    driver = cast("Connection[Any]", connection.connection)
    with (
        connection.wrap_database_errors,
        driver.cursor() as cursor,
        cursor.copy(_statement(table, (*columns, *same))) as copy,
    ):
        copy.write("".join(lines))


@lru_cache
def _statement(table: str, columns: tuple[str, ...]) -> bytes:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names).as_bytes()


def _cells(values: Sequence[object]) -> list[str]:
    """How COPY's text format writes each of these."""
    if not values:
        return []
    kinds = set(map(type, values))
    if kinds == {UUID}:
        return [f"{value.int:032x}" for value in cast("Sequence[UUID]", values)]
    texts = ["" if value is None else str(value) for value in values]
    joined = _BETWEEN.join(texts)
    if joined.count(_BETWEEN) >= len(texts):
        joined = _BETWEEN.join([text.replace(_BETWEEN, " ") for text in texts])
    for character, escaped in _ESCAPES:
        joined = joined.replace(character, escaped)
    cells = joined.split(_BETWEEN)
    if NoneType not in kinds:
        return cells
    return [r"\N" if value is None else cell for value, cell in zip(values, cells, strict=True)]

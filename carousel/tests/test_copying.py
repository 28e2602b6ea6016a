"""Copied rows arrive as what they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from carousel.lib import arrays
from carousel.lib.copying import copy_rows

pytestmark = pytest.mark.django_db
KEYS = [uuid4(), uuid4(), uuid4()]


@pytest.fixture(autouse=True)
def table() -> None:
    """A table of our own, gone with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE copied (id uuid PRIMARY KEY, text text, many text[], number bigint,"
            " at timestamptz, state text, made int DEFAULT 7)"
        )


def rows(columns: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM copied ORDER BY array_position(%s, id)", [KEYS])
        return list(cursor.fetchall())


def test_texts_numbers_times_and_nulls_come_back_as_they_were() -> None:
    now = datetime.now(UTC)
    texts = ["tab\tnew\nline\rback\\slash \\N", "", "日本 🌿 \x01\x1e"]
    many = [["a", 'b"c', "d\\e"], ["\t"], ["x,y"]]
    columns: dict[str, Sequence[object]] = {
        "id": KEYS,
        "text": texts,
        "many": arrays.lists(many),
        "number": [1, None, -(2**62)],
        "at": [None, now, None],
    }
    copy_rows("copied", columns, {"state": "of\tall"})
    assert rows("text, many, number, at, state, made") == [
        (texts[0], many[0], 1, None, "of\tall", 7),
        (texts[1], many[1], None, now, "of\tall", 7),
        (texts[2], many[2], -(2**62), None, "of\tall", 7),
    ]


def test_what_separates_items_becomes_a_space() -> None:
    copy_rows("copied", {"id": KEYS, "text": ["a\x1fb", None, "c"]}, {})
    assert rows("text") == [("a b",), (None,), ("c",)]


def test_a_row_that_exists_undoes_them_all() -> None:
    copy_rows("copied", {"id": KEYS[:1]}, {})
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_rows("copied", {"id": KEYS[::-1]}, {})
    assert rows("id") == [(KEYS[0],)]


def test_columns_of_different_lengths_are_a_bug() -> None:
    with pytest.raises(ValueError, match="zip"):
        copy_rows("copied", {"id": KEYS, "text": ["one"]}, {})

"""Array literals arrive as what they were."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from carousel.lib import arrays

pytestmark = pytest.mark.django_db


def back(literal: str, kind: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["", ""],
        ["a", "b,c", '"quoted"', "back\\slash", "{brace}", "NULL", "null"],
        [" leading", "trailing ", "new\nline", "tab\t", "%s %(x)s"],
        ["日本", "🌿", "'", "\\'", '\\"', "\x1d", "\x01"],
    ],
)
def test_texts_come_back_as_they_were(values: list[str]) -> None:
    assert back(arrays.texts(values), "text") == values


def test_what_separates_items_becomes_a_space() -> None:
    assert back(arrays.texts(["a\x1fb", "c"]), "text") == ["a b", "c"]


def test_numbers_times_and_ids_come_back_as_they_were() -> None:
    now, key = datetime.now(UTC), uuid4()
    assert back(arrays.plain([1, None, -(2**62)]), "bigint") == [1, None, -(2**62)]
    assert back(arrays.plain([True, False, None]), "bool") == [True, False, None]
    assert back(arrays.plain([now, None]), "timestamptz") == [now, None]
    assert back(arrays.uuids([key, None]), "uuid") == [key, None]
    assert back(arrays.plain([]), "int") == []


@pytest.mark.parametrize(
    "values", [[], [["a"]], [["a", "b,c"], ['"q"', "back\\slash", "{}"]], [[], ["x"]], [["a\x1fb"]]]
)
def test_each_list_becomes_a_literal_of_its_own(values: list[list[str]]) -> None:
    told = [back(literal, "text") for literal in arrays.lists(values)]
    assert told == [[text.replace("\x1f", " ") for text in value] for value in values]

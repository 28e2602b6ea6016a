"""Identifiers made of time."""

from __future__ import annotations

import time

import pytest

from carousel.lib.ids import uuid7, uuid7s


def test_an_id_says_when_it_was_made_and_what_it_is() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_many_at_once_are_as_good_as_one_by_one(count: int) -> None:
    made = uuid7s(count)
    assert len(set(made)) == count
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} <= {(7, "specified in RFC 4122")}
    assert len({one.int & (1 << 62) - 1 for one in made}) == count

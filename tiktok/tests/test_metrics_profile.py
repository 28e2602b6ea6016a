"""An account's numbers: which are believed, and when a snapshot is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tiktok.metrics import may_round_to, record_author, record_profile
from tiktok.models import ProfileMetrics, TikTokProfile
from tiktok.scraper.schemas import AuthorCounts
from tiktok.tests.factories import NOON, make_profile, scraped_profile

pytestmark = pytest.mark.django_db


def record(profile: TikTokProfile, hours: float = 0, **counts: Any) -> bool:
    found = scraped_profile(**counts)
    return record_profile(profile, found, captured_at=NOON + timedelta(hours=hours))


def followers() -> list[tuple[int | None, bool]]:
    rows = ProfileMetrics.objects.order_by("captured_at")
    return list(rows.values_list("follower_count", "approximate"))


@pytest.mark.parametrize(
    ("exact", "rounded", "may"),
    [
        (4_148_754, 4_100_000, True),
        (4_248_754, 4_100_000, False),
        (4_200_000, 5_000_000, False),
        (4_123, 4_123, True),
        (4_124, 4_123, False),
        (990, 900, False),
        (1_234, 1_200, True),
        (12_345, 12_300, True),
        (0, 0, True),
    ],
)
def test_a_round_number_stands_for_those_near_it(exact: int, rounded: int, may: bool) -> None:
    assert may_round_to(exact, rounded) is may


def test_a_snapshot_at_first_sight_and_when_a_number_moved() -> None:
    profile = make_profile()
    assert record(profile, 0)
    assert not record(profile, 1)
    assert record(profile, 2, follower_count=900)
    assert followers() == [(1000, False), (900, False)]
    profile.refresh_from_db()
    assert profile.follower_count == 900


def test_a_number_that_falls_is_kept_and_flagged() -> None:
    profile = make_profile()
    for hours, followers_now in enumerate([900, 950, None, 940, 700]):
        record(profile, hours, follower_count=followers_now)
    rows = ProfileMetrics.objects.order_by("captured_at")
    assert list(rows.values_list("follower_count", "decreased")) == [
        (900, False), (950, False), (None, False), (940, False), (700, True),
    ]  # fmt: skip
    profile.refresh_from_db()
    assert profile.follower_count == 700


def test_a_rounded_number_does_not_replace_the_exact_one_it_may_stand_for() -> None:
    profile = make_profile()
    record(profile, 0, follower_count=4_148_754)
    assert not record(profile, 1, follower_count=4_100_000, counts_are_exact=False)
    assert record(profile, 2, follower_count=4_300_000, counts_are_exact=False)
    assert followers() == [(4_148_754, False), (4_300_000, True)]


def test_an_unknown_number_is_null() -> None:
    profile = make_profile()
    record(profile, 0)
    record(profile, 1, follower_count=None, counts_are_exact=False)
    profile.refresh_from_db()
    assert profile.follower_count is None
    assert followers()[-1] == (None, True)


def test_exact_numbers_beside_the_posts_take_the_place_of_rounded_ones() -> None:
    profile = make_profile()
    record(profile, 0, follower_count=4_148_754)
    record(profile, 24, follower_count=4_300_000, counts_are_exact=False)
    counts = AuthorCounts(follower_count=4_298_111)
    since, later = NOON + timedelta(hours=23), NOON + timedelta(hours=25)
    assert record_author(profile, counts, captured_at=later, since=since)
    assert followers() == [(4_148_754, False), (4_298_111, False)]
    profile.refresh_from_db()
    assert (profile.follower_count, profile.like_count) == (4_298_111, 9000)


def test_a_snapshot_that_was_only_rounding_is_taken_back() -> None:
    profile = make_profile()
    record(profile, 0, like_count=9_000)
    record(profile, 24, like_count=None, counts_are_exact=False)
    counts = AuthorCounts(like_count=9_000)
    since, later = NOON + timedelta(hours=23), NOON + timedelta(hours=25)
    assert not record_author(profile, counts, captured_at=later, since=since)
    assert ProfileMetrics.objects.count() == 1
    profile.refresh_from_db()
    assert profile.like_count == 9_000


def test_numbers_beside_the_posts_stand_back_for_exact_ones_of_the_same_run() -> None:
    profile = make_profile()
    record(profile, 0)
    later = NOON + timedelta(minutes=1)
    counts = AuthorCounts(follower_count=1001)
    assert not record_author(profile, counts, captured_at=later, since=NOON)
    assert followers() == [(1000, False)]


def test_a_late_answer_does_not_undo_a_newer_one() -> None:
    profile = make_profile()
    record(profile, 2)
    assert not record(profile, 1, follower_count=5)
    profile.refresh_from_db()
    assert profile.follower_count == 1000

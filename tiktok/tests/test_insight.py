"""What posts' numbers say, against figures worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tiktok.insight import recompute_all, recompute_insight
from tiktok.models import PostInsight, PostMetrics, ProfileInsight, TikTokPost, TikTokProfile
from tiktok.tests.factories import make_profile

pytestmark = pytest.mark.django_db

BIRTH = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEEN = BIRTH + timedelta(days=100)
_numbers = count(1)


def post(profile: TikTokProfile, hours: float, views: int | None, **fields: Any) -> TikTokPost:
    """A photo post published so many hours after ``BIRTH``."""
    wanted: dict[str, Any] = {
        "tiktok_id": f"76{next(_numbers)}",
        "profile": profile,
        "content_type": "photo",
        "published_at": BIRTH + timedelta(hours=hours),
        "last_seen_at": SEEN,
        "view_count": views,
    }
    return TikTokPost.objects.create(**wanted | fields)


def sightings(of: TikTokPost, *points: tuple[float, int | None]) -> None:
    """Snapshots, so many hours after publication, with so many views."""
    PostMetrics.objects.bulk_create(
        PostMetrics(post=of, captured_at=of.published_at + timedelta(hours=hours), view_count=views)
        for hours, views in points
    )


def insight(of: TikTokPost) -> PostInsight:
    recompute_insight([of.profile_id])
    return PostInsight.objects.get(post=of)


def test_every_post_gets_a_row_that_says_nothing_yet() -> None:
    found = PostInsight.objects.get(post=post(make_profile(), 0, 5))
    assert (found.outlier_score, found.outlier_n, found.low_confidence) == (None, 0, True)
    assert found.as_of is None


def test_the_score_is_views_over_the_median_of_those_before_it() -> None:
    profile = make_profile()
    for hours, views in enumerate((100, 300, 200, 500)):
        post(profile, hours, views)
    found = insight(post(profile, 10, 1000))
    assert found.outlier_baseline == 250  # of 100, 200, 300, 500
    assert found.outlier_score == 4
    assert (found.outlier_n, found.low_confidence) == (4, True)


def test_only_the_last_thirty_count_and_ten_are_enough_for_confidence() -> None:
    profile = make_profile()
    for hours in range(5):
        post(profile, hours, 1_000_000)
    ordinary = [post(profile, 10 + hours, 100 + hours) for hours in range(30)]
    last = insight(post(profile, 99, 229))
    assert last.outlier_baseline == 114.5  # of 100 … 129, the million not among them
    assert last.outlier_score == 2
    assert (last.outlier_n, last.low_confidence) == (30, False)
    tenth, eleventh = (PostInsight.objects.get(post=ordinary[place]) for place in (4, 5))
    assert (tenth.outlier_n, tenth.low_confidence) == (9, True)
    assert (eleventh.outlier_n, eleventh.low_confidence) == (10, False)


def test_other_kinds_other_accounts_pinned_young_and_unknown_ones_are_no_measure() -> None:
    profile, other = make_profile(1), make_profile(2)
    post(profile, 0, 100)
    post(profile, 1, 9_000, content_type="video")
    post(other, 2, 9_000)
    post(profile, 3, 9_000, is_pinned=True)
    young = post(profile, 4, 9_000, last_seen_at=BIRTH + timedelta(hours=27.9))
    unknown = post(profile, 5, None)
    found = insight(post(profile, 6, 150))
    assert (found.outlier_score, found.outlier_n) == (1.5, 1)
    for without in (young, unknown):
        row = PostInsight.objects.get(post=without)
        assert (row.outlier_score, row.outlier_n, row.outlier_baseline) == (None, 1, 100)


def test_what_is_not_defined_is_null() -> None:
    profile = make_profile()
    first = insight(post(profile, 0, 0))
    assert (first.outlier_score, first.outlier_baseline, first.outlier_n) == (None, None, 0)
    after_zero = insight(post(profile, 1, 10, like_count=5, comment_count=None))
    assert (after_zero.outlier_baseline, after_zero.outlier_score) == (0, None)
    assert (after_zero.like_rate, after_zero.engagement_rate) == (0.5, None)
    assert first.like_rate is None
    assert first.views_per_hour is None


def test_rates_are_per_view() -> None:
    numbers = {"like_count": 100, "comment_count": 10, "share_count": 20, "save_count": 70}
    found = insight(post(make_profile(), 0, 1000, **numbers))
    assert (found.like_rate, found.comment_rate) == (0.1, 0.01)
    assert (found.share_rate, found.save_rate) == (0.02, 0.07)
    assert found.engagement_rate == 0.2


def test_velocity_is_between_the_last_two_snapshots_or_zero_since() -> None:
    profile = make_profile()
    moving = post(profile, 0, 700, last_seen_at=BIRTH + timedelta(hours=30))
    sightings(moving, (10, 100), (20, 200), (30, 700))
    assert insight(moving).views_per_hour == 50
    resting = post(profile, 0, 700)
    sightings(resting, (10, 100), (20, 700))
    assert insight(resting).views_per_hour == 0
    close = post(profile, 0, 700, last_seen_at=BIRTH + timedelta(hours=10.5))
    sightings(close, (10, 100), (10.5, 700))
    assert insight(close).views_per_hour is None


def test_gains_are_since_the_moment_so_many_days_before_it_was_seen() -> None:
    profile = make_profile()
    old = post(profile, 0, 2000, last_seen_at=BIRTH + timedelta(days=40))
    # 30 days before: day 10, between 100 and 300. 14: day 26, held at 500. 7: day 33. 1: day 39.
    sightings(
        old, *((24 * day, n) for day, n in ((9, 100), (11, 300), (20, 500), (32, 500), (34, 900)))
    )
    sightings(old, (24 * 38.5, 1400), (24 * 39.5, 1800), (24 * 40, 2000))
    found = insight(old)
    assert found.gain_1d == 2000 - 1600
    assert found.gain_7d == 2000 - 700
    assert found.gain_14d == 2000 - 500
    assert found.gain_30d == 2000 - 200
    fresh = post(profile, 0, 80, last_seen_at=BIRTH + timedelta(days=3))
    sightings(fresh, (70, 75), (72, 80))
    found = insight(fresh)
    assert (found.gain_1d, found.gain_7d, found.gain_30d) == (None, 80, 80)


def test_views_at_an_age_are_interpolated_near_or_unknown() -> None:
    profile = make_profile()

    def at_24h(*points: tuple[float, int], seen: float = 2400) -> int | None:
        one = post(profile, 0, points[-1][1], last_seen_at=BIRTH + timedelta(hours=seen))
        sightings(one, *points)
        return insight(one).views_24h

    assert at_24h((12, 100), (36, 500)) == 300
    assert at_24h((24, 100), (36, 500)) == 100
    assert at_24h((18, 100), (60, 500)) == 100  # too far apart; 6 h is near enough
    assert at_24h((17, 100), (60, 500)) is None
    assert at_24h((17, 100), (60, 100)) == 100  # nothing moved between
    assert at_24h((29, 500)) == 500
    assert at_24h((31, 500)) is None
    assert at_24h((5, 100), seen=30) == 100  # a move would have left a snapshot
    assert at_24h((5, 100), seen=23) is None


def test_a_score_at_an_age_compares_the_same_age_and_is_final() -> None:
    profile = make_profile()
    for hours in range(10):
        sightings(post(profile, hours, 10_000), (24, 100 + hours), (48, 10_000))
    nine = post(profile, 9.5, 10_000)
    sightings(nine, (24, 418), (48, 10_000))
    PostMetrics.objects.filter(post__published_at=BIRTH).delete()
    assert insight(nine).score_24h is None  # nine with known views at that age
    found = PostInsight.objects.get(post=nine)
    assert found.views_24h == 418
    last = post(profile, 20, 10_000)
    sightings(last, (24, 1050), (48, 10_000))
    found = insight(last)
    assert found.views_24h == 1050
    # of 101 … 109 and 418: the middle two are 105 and 106
    assert found.score_24h == pytest.approx(1050 / 105.5)
    assert (found.views_7d, found.score_7d) == (10_000, 1)
    PostMetrics.objects.filter(post=last).delete()
    sightings(last, (24, 7), (48, 8))
    TikTokPost.objects.filter(pk=last.pk).update(last_seen_at=SEEN + timedelta(days=1))
    recompute_insight([profile.pk], everything=True)
    again = PostInsight.objects.get(post=last)
    assert (again.views_24h, again.score_24h) == (1050, found.score_24h)


def test_cadence_is_of_the_latest_posts_of_any_kind() -> None:
    profile = make_profile()
    for hours, kind in ((0, "photo"), (24, "video"), (48, "photo"), (168, "photo")):
        post(profile, hours, 1, content_type=kind)
    recompute_insight([profile.pk])
    found = ProfileInsight.objects.get(profile=profile)
    assert (found.gaps, found.posts_per_week, found.median_gap_hours) == (3, 3, 24)
    single = make_profile(2)
    post(single, 0, 1)
    recompute_insight([single.pk])
    found = ProfileInsight.objects.get(profile=single)
    assert (found.gaps, found.posts_per_week, found.median_gap_hours) == (0, None, None)
    for hours in range(1, 40):
        post(single, hours, 1)
    recompute_insight([single.pk])
    found = ProfileInsight.objects.get(profile=single)
    assert (found.gaps, found.posts_per_week, found.median_gap_hours) == (30, 168, 1)


def test_it_takes_four_statements_for_any_number_and_writes_only_what_changed() -> None:
    profiles = [make_profile(number) for number in range(3)]
    for profile in profiles:
        for hours in range(4):
            sightings(post(profile, hours, 10 + hours), (30, 10 + hours))
    with CaptureQueriesContext(
        connection,
    ) as first:
        assert recompute_insight([profiles[0].pk]) == 4
    with CaptureQueriesContext(connection) as rest:
        assert recompute_insight([profile.pk for profile in profiles]) == 8
    assert len(first) == len(rest)
    assert recompute_insight([profile.pk for profile in profiles], everything=True) == 0
    TikTokPost.objects.filter(profile=profiles[0], view_count=10).update(
        view_count=20, last_seen_at=SEEN + timedelta(days=1)
    )
    assert recompute_all() == 4  # itself, and those it is a measure of
    assert recompute_all() == 0


def test_the_command_says_what_it_did(capsys: Any) -> None:
    profile = make_profile()
    post(profile, 0, 10)
    call_command("recompute_insight", "--json")
    assert '"changed": 1' in capsys.readouterr().out
    call_command("recompute_insight", f"@{profile.handle}", "--all")
    assert "0 of 1" in capsys.readouterr().out

"""Old snapshots are thinned to one a day; nothing else is touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from carousel.tests.commands import run_command
from tiktok.models import PostMetrics, ProfileMetrics, TikTokPost, TikTokProfile
from tiktok.tests.factories import make_profile

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def make_post(profile: TikTokProfile, number: int = 1) -> TikTokPost:
    return TikTokPost.objects.create(
        profile=profile, tiktok_id=str(number), content_type="photo", published_at=MIDNIGHT
    )


def snapshots(post: TikTokPost, moments: list[tuple[int, int]]) -> None:
    """At (days ago, hour of that day)."""
    PostMetrics.objects.bulk_create(
        PostMetrics(post=post, captured_at=MIDNIGHT - timedelta(days=d, hours=-h), view_count=h)
        for d, h in moments
    )


def kept(post: TikTokPost) -> list[tuple[int, int]]:
    moments = post.metrics.order_by("captured_at").values_list("captured_at", flat=True)
    return [((MIDNIGHT.date() - at.date()).days, at.hour) for at in moments]


def test_the_last_of_each_old_day_stays_and_the_very_first() -> None:
    post = make_post(make_profile())
    snapshots(post, [(40, 3), (40, 9), (40, 20), (39, 1), (39, 2), (31, 5), (30, 4), (30, 5)])
    answer = run_command("thin_metrics", "--older-than", "30", "--apply")
    assert kept(post) == [(40, 3), (40, 20), (39, 2), (31, 5), (30, 4), (30, 5)]
    assert "2 snapshots of posts and 0 of profiles were taken away." in answer.out
    again = run_command("thin_metrics", "--older-than", "30", "--apply", "--json")
    assert again.document == {
        **{"applied": True, "complete": True, "days": 30},
        **{"postSnapshots": 0, "profileSnapshots": 0},
    }


def test_without_apply_nothing_is_taken_away() -> None:
    post = make_post(make_profile())
    snapshots(post, [(9, 1), (9, 2), (9, 3), (9, 4)])
    answer = run_command("thin_metrics", "--older-than", "5")
    assert "2 snapshots of posts" in answer.out
    assert "--apply" in answer.out
    assert len(kept(post)) == 4


def test_the_last_snapshot_of_all_stays_with_the_current_numbers() -> None:
    post = make_post(make_profile())
    snapshots(post, [(9, 1), (9, 2)])
    run_command("thin_metrics", "--older-than", "5", "--apply")
    assert kept(post) == [(9, 1), (9, 2)]


def test_each_post_and_profile_is_thinned_by_itself() -> None:
    profile = make_profile()
    posts = [make_post(profile, number) for number in range(3)]
    for post in posts:
        snapshots(post, [(9, 1), (9, 2), (9, 3)])
    ProfileMetrics.objects.bulk_create(
        ProfileMetrics(profile=profile, captured_at=MIDNIGHT - timedelta(days=9, hours=-hour))
        for hour in range(5)
    )
    run_command("thin_metrics", "--older-than", "5", "--apply")
    assert [kept(post) for post in posts] == [[(9, 1), (9, 3)]] * 3
    assert ProfileMetrics.objects.count() == 2


def test_days_that_make_no_sense_are_refused() -> None:
    for days in ("0", "-3", "99999999"):
        answer = run_command("thin_metrics", f"--older-than={days}", "--apply")
        assert answer.code
        assert "--older-than" in answer.failure

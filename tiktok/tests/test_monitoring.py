"""Runs against the sandbox: every page once, checkpointed, paid for and accounted for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.db.models.functions import Now

from carousel.lib.work import Priority, Status
from tiktok.models import (
    ApiCall,
    PostMetrics,
    ProfileMetrics,
    ProfileMonitoringLog,
    TikTokPost,
    TikTokProfile,
    Trigger,
)
from tiktok.services import monitoring, run_monitoring, trigger_run
from tiktok.tests.conftest import WorkOff
from tiktok.tests.factories import make_profile

pytestmark = pytest.mark.django_db

LOAD = "load.7"  # 90 posts on three pages


def watched(sandbox: Any, handle: str = LOAD, **fields: Any) -> TikTokProfile:
    """A profile of which nothing is known but who it is."""
    user_id = sandbox.truth(handle)["userId"]
    return make_profile(tiktok_user_id=user_id, handle=handle, **fields)


def run_of(profile: TikTokProfile, trigger: Trigger = Trigger.MANUAL, **options: Any) -> Any:
    return trigger_run(profile, trigger=trigger, **options)[0]


def calls() -> list[str]:
    return [c.endpoint.rpartition("/")[2] for c in ApiCall.objects.order_by("started_at")]


def test_a_run_stores_every_page_and_says_what_it_got(sandbox: Any, work_off: WorkOff) -> None:
    profile = watched(sandbox)
    run = work_off(run_of(profile))
    truth = sandbox.truth(LOAD)
    assert (run.status, run.error, run.stop_reason) == (Status.COMPLETED, "", "end_of_list")
    assert (run.pages_scraped, run.posts_scraped, run.expected_posts) == (3, 90, 90)
    assert (run.posts_created, run.posts_updated, run.is_partial) == (90, 0, False)
    assert run.oldest_post_at.timestamp() == min(post["createdAt"] for post in truth["posts"])
    stored = {post.tiktok_id: post for post in profile.posts.all()}
    assert stored.keys() == {post["id"] for post in truth["posts"]}
    for post in truth["posts"]:
        assert stored[post["id"]].slides.count() == len(post["slides"])
        assert (stored[post["id"]].reading is None) == (not post["slides"])
    profile.refresh_from_db()
    assert profile.total_posts == 90
    assert profile.last_monitoring_run
    assert profile.history_complete


def test_every_call_is_in_the_ledger_and_charged_to_its_run(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox)
    run = work_off(run_of(profile))
    assert calls() == ["profile", "videos", "videos", "videos"]
    assert set(ApiCall.objects.values_list("run", "profile", "http_status", "error_code")) == {
        (run.pk, profile.pk, 200, "")
    }
    spent = ApiCall.objects.aggregate(Sum("credits"))["credits__sum"]
    assert spent == run.credits_charged == 4 == sum(c["credits"] for c in sandbox.account.calls)
    assert run.credits_remaining == sandbox.account.credits


def test_numbers_move_and_both_series_end_with_the_current_ones(
    still: Any, work_off: WorkOff
) -> None:
    sandbox = still
    profile = watched(sandbox)
    work_off(run_of(profile))
    first = PostMetrics.objects.count()
    sandbox.clock.advance(3 * 86_400)
    run = work_off(run_of(profile))
    truth = {post["id"]: post for post in sandbox.truth(LOAD)["posts"]}
    assert run.posts_created + run.posts_updated == 90
    assert first == 90 < PostMetrics.objects.count()
    for post in profile.posts.filter(last_seen_run=run.pk):
        numbers = truth[post.tiktok_id]["statistics"]
        assert (post.view_count, post.save_count) == (numbers["views"], numbers["saves"])
        last = post.metrics.latest("captured_at")
        assert (last.view_count, last.like_count) == (numbers["views"], numbers["likes"])
    profile.refresh_from_db()
    assert profile.total_views == profile.posts.aggregate(Sum("view_count"))["view_count__sum"]
    assert profile.follower_count == sandbox.truth(LOAD)["followers"]
    assert ProfileMetrics.objects.latest("captured_at").follower_count == profile.follower_count


@pytest.mark.parametrize("handle", ["load.1", "load.2", "load.3", "load.4"])
def test_a_run_leaves_one_exact_snapshot_of_the_account(
    still: Any, work_off: WorkOff, handle: str
) -> None:
    """Some accounts are told rounded by the profile call; the posts beside tell them exactly."""
    profile = watched(still, handle)
    work_off(run_of(profile))
    snapshot = ProfileMetrics.objects.get()
    assert snapshot.follower_count == still.truth(handle)["followers"]
    assert not snapshot.approximate


def test_a_killed_run_goes_on_behind_its_last_committed_page(
    sandbox: Any, work_off: WorkOff
) -> None:
    run = run_of(watched(sandbox))
    (claimed,) = ProfileMonitoringLog.objects.claim(1, [run.pk])
    sandbox.faults.add("/v3", "dropped", times=1, match="max_cursor")
    with pytest.raises(Exception, match="ScrapeCreators"):
        run_monitoring([claimed])  # as if the process had died: nobody ends the row
    run.refresh_from_db()
    assert (run.status, run.pages_scraped, run.posts_scraped) == (Status.RUNNING, 1, 30)
    ProfileMonitoringLog.objects.update(run_after=Now() - timedelta(seconds=1))
    lost = ProfileMonitoringLog.objects.claim_abandoned()
    assert lost
    run_monitoring([lost])
    run.refresh_from_db()
    assert (run.status, run.pages_scraped, run.posts_scraped) == (Status.COMPLETED, 3, 90)
    assert calls() == ["profile", "videos", "videos", "videos", "videos"]
    assert ApiCall.objects.filter(credits=None).count() == 1  # the one in flight


def test_progress_gives_a_run_its_attempts_back(sandbox: Any, work_off: WorkOff) -> None:
    run = run_of(watched(sandbox))
    ProfileMonitoringLog.objects.update(attempts=ProfileMonitoringLog.MAX_ATTEMPTS - 1)
    sandbox.faults.add("/v3", "http_500", times=1, match="max_cursor")
    work_off(run)
    assert (run.status, run.attempts, run.pages_scraped) == (Status.PENDING, 1, 1)


def test_a_worker_that_lost_its_lease_writes_nothing(sandbox: Any, no_rate_limit: None) -> None:
    run = run_of(watched(sandbox))
    (mine,) = ProfileMonitoringLog.objects.claim(1, [run.pk])
    ProfileMonitoringLog.objects.update(run_after=Now() + timedelta(minutes=9))  # an heir's lease
    run_monitoring([mine])
    run.refresh_from_db()
    assert (run.status, run.pages_scraped) == (Status.RUNNING, 0)
    assert not TikTokPost.objects.exists()


def test_a_long_run_makes_room_for_others_and_goes_on(
    sandbox: Any, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "SLICE", -1.0)
    run = run_of(watched(sandbox))
    (claimed,) = ProfileMonitoringLog.objects.claim(1, [run.pk])
    run_monitoring([claimed])
    run.refresh_from_db()
    assert (run.status, run.attempts, run.profile_fetched) == (Status.PENDING, 0, True)
    monkeypatch.setattr(monitoring, "SLICE", 60.0)
    assert work_off(run).posts_scraped == 90


def test_the_page_cap_ends_a_run_as_partial(sandbox: Any, work_off: WorkOff, settings: Any) -> None:
    settings.MONITORING_MAX_PAGES = 2
    run = work_off(run_of(watched(sandbox)))
    assert (run.stop_reason, run.posts_scraped, run.is_partial) == ("page_cap", 60, True)
    assert not TikTokPost.objects.exclude(misses=0).exists()


def test_a_scheduled_run_stops_at_the_first_page_without_news(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox)
    work_off(run_of(profile))
    sandbox.clock.advance(3 * 86_400)
    profile.refresh_from_db()
    run = work_off(run_of(profile, Trigger.SCHEDULED))
    assert run.stop_reason == "known_posts"
    assert run.pages_scraped <= 2
    assert not run.is_partial
    profile.refresh_from_db()
    again = work_off(run_of(profile, Trigger.SCHEDULED))
    assert (again.pages_scraped, again.posts_created, again.posts_updated) == (1, 0, 30)


def test_a_run_that_broke_off_is_followed_by_one_that_looks_at_every_page(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox)
    sandbox.faults.add("/v3", "http_403", match="max_cursor")
    failed = work_off(run_of(profile, Trigger.SCHEDULED))
    assert (failed.status, failed.error_code) == (Status.FAILED, "forbidden")
    assert (failed.pages_scraped, TikTokPost.objects.count()) == (1, 30)
    sandbox.faults.clear()
    profile.refresh_from_db()
    run = work_off(run_of(profile, Trigger.SCHEDULED))
    assert (run.posts_created, run.posts_updated, run.stop_reason) == (60, 30, "end_of_list")


def test_a_persons_run_looks_at_every_page(sandbox: Any, work_off: WorkOff) -> None:
    profile = watched(sandbox)
    work_off(run_of(profile))
    run = work_off(run_of(profile))
    assert (run.pages_scraped, run.posts_created, run.posts_updated) == (3, 0, 90)


def test_force_recache_is_passed_down_to_every_page(sandbox: Any, work_off: WorkOff) -> None:
    from media_cache.models import CacheAsset

    profile = watched(sandbox)
    work_off(run_of(profile))
    CacheAsset.objects.update(status=Status.COMPLETED, storage_key="x", sha256="y")
    work_off(run_of(profile, force_recache=True))
    assert not CacheAsset.objects.exclude(kind="avatar").filter(status=Status.COMPLETED).exists()


def test_triggering_again_returns_the_open_run_and_hurries_it(sandbox: Any) -> None:
    profile = watched(sandbox)
    scheduled, created = trigger_run(profile, trigger=Trigger.SCHEDULED)
    assert (created, scheduled.priority) == (True, Priority.SCHEDULE)
    run, created = trigger_run(profile, trigger=Trigger.MANUAL, force_recache=True)
    assert (run.pk, created, run.priority) == (scheduled.pk, False, Priority.PERSON)
    assert run.force_recache
    assert run.every_page

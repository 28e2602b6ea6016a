"""What ScrapeCreators and TikTok do to a run, and what the run makes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from carousel.lib.work import Priority, Status
from tiktok.models import (
    ApiCall,
    ProfileMetrics,
    ProfileMonitoringLog,
    ScraperGate,
    TikTokPost,
    Trigger,
)
from tiktok.tests.conftest import WorkOff
from tiktok.tests.test_monitoring import calls, run_of, watched

SMALL = "creator.3"  # five posts on one page

pytestmark = pytest.mark.django_db


def test_pinned_posts_stand_first_and_stop_nothing(sandbox: Any, work_off: WorkOff) -> None:
    handle = next(
        f"load.{n}" for n in range(50) if sandbox.truth(f"load.{n}")["posts"][0]["pinned"]
    )
    profile = watched(sandbox, handle)
    run = work_off(run_of(profile))
    pinned = {post["id"] for post in sandbox.truth(handle)["posts"] if post["pinned"]}
    # TikTok doesn't mark each of them.
    marked = profile.posts.filter(is_pinned=True).values_list("tiktok_id", flat=True)
    assert set(marked) <= pinned
    assert profile.posts.filter(tiktok_id__in=pinned).count() == len(pinned)
    assert (run.posts_scraped, run.pages_scraped) == (90, 3)


def test_repeated_posts_are_counted_once(sandbox: Any, work_off: WorkOff) -> None:
    sandbox.faults.add("/v3", "duplicates")
    run = work_off(run_of(watched(sandbox)))
    assert (run.posts_scraped, run.posts_created, run.posts_updated) == (90, 90, 0)
    assert (run.stop_reason, run.pages_scraped) == ("end_of_list", 3)


@pytest.mark.parametrize("fault", ["endless_page", "stuck_cursor"])
def test_a_cursor_that_leads_nowhere_ends_the_run_as_partial(
    sandbox: Any, work_off: WorkOff, fault: str
) -> None:
    sandbox.faults.add("/v3", fault)
    profile = watched(sandbox)
    run = work_off(run_of(profile))
    assert run.status == Status.COMPLETED
    assert run.stop_reason in ("cursor_unchanged", "repeated_page")
    assert run.is_partial
    assert run.pages_scraped <= 4
    profile.refresh_from_db()
    assert not profile.history_complete
    assert not TikTokPost.objects.exclude(misses=0).exists()


def test_the_same_page_under_ever_new_cursors_ends_the_run(sandbox: Any, work_off: WorkOff) -> None:
    """Every cursor is answered with the first page, whose cursor is then older than the asked."""
    sandbox.faults.add("/v3", "endless_page", match="max_cursor")
    run = work_off(run_of(watched(sandbox)))
    assert run.stop_reason in ("cursor_not_decreasing", "repeated_page")
    assert (run.pages_scraped, run.posts_scraped, run.is_partial) == (2, 30, True)


def test_no_cursor_is_the_end(sandbox: Any, work_off: WorkOff) -> None:
    sandbox.faults.add("/v3", "no_cursor")
    run = work_off(run_of(watched(sandbox)))
    assert (run.stop_reason, run.posts_scraped, run.is_partial) == ("no_cursor", 30, True)


def test_an_empty_list_is_asked_for_again_from_another_region(
    sandbox: Any, work_off: WorkOff
) -> None:
    sandbox.faults.add("/v3", "empty_unless_us")
    profile = watched(sandbox)
    run = work_off(run_of(profile))
    assert (run.region, run.posts_scraped, run.is_partial) == ("US", 90, False)
    assert calls() == ["profile", *["videos"] * 4]
    profile.refresh_from_db()
    again = work_off(run_of(profile))
    assert (again.posts_scraped, again.credits_charged) == (90, 4)  # it remembers


def test_an_empty_list_everywhere_is_suspect_and_changes_nothing(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox)
    work_off(run_of(profile))
    sandbox.faults.add("/v3", "empty_page")
    run = work_off(run_of(profile))
    assert (run.status, run.stop_reason, run.is_partial) == (
        Status.COMPLETED, "suspect_empty", True,
    )  # fmt: skip
    assert (run.posts_scraped, run.credits_charged) == (0, 3)
    assert profile.posts.count() == 90
    assert not TikTokPost.objects.exclude(misses=0, missing_since=None).exists()


def test_a_private_account_keeps_what_we_have(sandbox: Any, work_off: WorkOff) -> None:
    profile = watched(sandbox, SMALL)
    work_off(run_of(profile))
    sandbox.faults.add("/v1/tiktok/profile", "private")
    run = work_off(run_of(profile))
    profile.refresh_from_db()
    assert (run.stop_reason, run.credits_charged, profile.private) == ("private", 1, True)
    assert profile.posts.filter(misses=0, missing_since=None).count() == 5


def test_a_list_that_calls_itself_private_is_partial_and_no_failure(
    sandbox: Any, work_off: WorkOff
) -> None:
    sandbox.faults.add("/v3", "private")
    run = work_off(run_of(watched(sandbox, SMALL)))
    assert (run.status, run.stop_reason, run.is_partial) == (Status.COMPLETED, "private", True)


def test_one_bad_item_is_skipped_counted_and_not_missed(sandbox: Any, work_off: WorkOff) -> None:
    profile = watched(sandbox)
    work_off(run_of(profile))
    sandbox.faults.add("/v3", "malformed_item")
    run = work_off(run_of(profile))
    assert (run.posts_scraped, run.items_skipped, run.is_partial) == (87, 3, False)
    assert run.stop_reason == "end_of_list"


def test_hidden_counts_are_null_in_posts_snapshots_and_totals(
    still: Any, work_off: WorkOff
) -> None:
    profile = watched(still, "fault.hidden_counts")
    work_off(run_of(profile))
    assert set(profile.posts.values_list("view_count", "like_count")) == {(None, None)}
    profile.refresh_from_db()
    assert (profile.total_posts, profile.total_views) == (5, 0)
    assert profile.posts.exclude(comment_count=None).count() == 5


def test_a_counter_that_falls_is_kept_and_flagged(still: Any, work_off: WorkOff) -> None:
    """TikTok takes views back; here by a clock that goes back, as counters grow with time."""
    profile = watched(still, SMALL)
    work_off(run_of(profile))
    before: dict[str, Any] = dict(profile.posts.values_list("tiktok_id", "view_count"))
    still.clock.frozen_at -= 12 * 3600
    work_off(run_of(profile))
    fallen = 0
    for post in profile.posts.all():
        series: list[Any] = list(
            post.metrics.order_by("captured_at").values_list("view_count", "decreased")
        )
        assert series[0] == (before[post.tiktok_id], False)
        assert series[-1][0] == post.view_count
        if (post.view_count or 0) < before[post.tiktok_id]:
            assert series[1:] == [(post.view_count, True)]
            fallen += 1
    assert fallen
    profile.refresh_from_db()
    assert profile.total_views == sum(post.view_count or 0 for post in profile.posts.all())


def test_an_overflown_number_is_unknown_unless_the_posts_tell_it(
    still: Any, work_off: WorkOff
) -> None:
    profile = watched(still, "fault.negative_heart")
    run = run_of(profile)
    still.faults.add("/v3", "http_403", times=1)
    work_off(run)
    known = ProfileMetrics.objects.values_list("like_count", "approximate")
    assert list(known) == [(None, True)]
    work_off(run_of(profile))
    creator = still.world.by_handle("fault.negative_heart")
    assert list(known.order_by("captured_at")) == [(None, True), (creator.reach * 12, False)]


def test_slides_that_the_list_left_out_are_fetched_with_the_post(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox, "fault.no_slides")
    run = work_off(run_of(profile))
    photos = [post for post in sandbox.truth("fault.no_slides")["posts"] if post["slides"]]
    assert calls() == ["profile", "videos", *["video"] * len(photos)]
    assert run.credits_charged == 2 + len(photos)
    for post in photos:
        stored = TikTokPost.objects.get(tiktok_id=post["id"])
        assert stored.slides.count() == len(post["slides"])
        assert stored.reading
    assert not TikTokPost.objects.filter(slides_known=False).exists()


def test_a_post_whose_slides_cannot_be_had_is_asked_for_three_times_at_most(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox, "fault.no_slides")
    sandbox.faults.add("/v2", "http_403")
    for _ in range(5):
        assert work_off(run_of(profile)).status == Status.COMPLETED
    photos = profile.posts.filter(content_type="photo")
    assert set(photos.values_list("lookups", flat=True)) == {3}


def test_a_renamed_account_stays_one_profile_and_keeps_its_old_handle(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox, SMALL)
    work_off(run_of(profile))
    sandbox.world.rename(SMALL, "creator.999")
    run = work_off(run_of(profile))
    profile.refresh_from_db()
    assert run.status == Status.COMPLETED
    assert (profile.handle, profile.previous_handles) == ("creator.999", [SMALL])
    assert profile.posts.count() == 5


def test_the_first_account_of_a_recycled_handle_goes_on_under_its_new_one(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox, SMALL)
    sandbox.world.recycle(SMALL)
    run = work_off(run_of(profile))
    profile.refresh_from_db()
    assert run.status == Status.COMPLETED
    assert profile.handle == f"{SMALL}.old"
    assert profile.previous_handles == [SMALL]


def test_out_of_credits_stops_every_call_and_says_so(sandbox: Any, work_off: WorkOff) -> None:
    profile, other = watched(sandbox), watched(sandbox, "load.8")
    sandbox.account.set_balance(2)
    run = work_off(run_of(profile))
    assert (run.status, run.error_code, run.pages_scraped) == (Status.FAILED, "out_of_credits", 1)
    assert "out of credits" in run.error
    assert ScraperGate.objects.get().closed_code == "out_of_credits"
    made = ApiCall.objects.count()
    scheduled = work_off(run_of(other, Trigger.SCHEDULED))
    assert (scheduled.status, scheduled.error_code) == (Status.PENDING, "out_of_credits")
    assert scheduled.attempts == 0
    asked = work_off(run_of(watched(sandbox, "load.9")))
    assert (asked.status, asked.error_code) == (Status.FAILED, "out_of_credits")
    assert ApiCall.objects.count() == made


def test_the_gate_opens_by_itself_when_there_are_credits_again(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox, SMALL)
    sandbox.account.set_balance(0)
    work_off(run_of(profile))
    work_off(run_of(profile))  # looks at the balance, and finds nothing
    sandbox.account.set_balance(100)
    assert work_off(run_of(profile)).status == Status.FAILED  # it was looked at just now
    ScraperGate.objects.update(probed_at=Now() - timedelta(minutes=1))
    assert work_off(run_of(profile)).status == Status.COMPLETED
    assert ScraperGate.objects.get().closed_code == ""


def test_a_refused_key_stops_every_call(sandbox: Any, work_off: WorkOff, settings: Any) -> None:
    settings.SCRAPECREATORS_KEY_IN_USE = "wrong"
    run = work_off(run_of(watched(sandbox, SMALL)))
    assert (run.status, run.error_code) == (Status.FAILED, "unauthorized")
    assert "SCRAPECREATORS_API_KEY" in run.error
    assert "wrong" not in run.error
    assert ScraperGate.objects.get().closed_code == "unauthorized"


def test_a_pause_keeps_runs_waiting_at_no_cost(sandbox: Any, work_off: WorkOff) -> None:
    ScraperGate.objects.create(paused=True)
    run = work_off(run_of(watched(sandbox, SMALL)))
    assert (run.status, run.attempts, ApiCall.objects.count()) == (Status.PENDING, 0, 0)
    assert "paused" in run.error
    ScraperGate.objects.update(paused=False)
    ProfileMonitoringLog.objects.update(run_after=Now())
    assert work_off(run).status == Status.COMPLETED


@pytest.mark.parametrize(
    ("fault", "seconds", "least"), [("http_429", None, 10), ("http_429_after", 90.0, 90)]
)
def test_too_many_requests_slow_everybody_down(
    sandbox: Any, work_off: WorkOff, fault: str, seconds: float, least: float
) -> None:
    sandbox.faults.add("/v3", fault, times=1, seconds=seconds)
    run = work_off(run_of(watched(sandbox, SMALL)))
    assert (run.status, run.error_code, run.attempts) == (Status.PENDING, "rate_limited", 1)
    waits = (run.run_after - ApiCall.objects.latest("started_at").started_at).total_seconds()
    assert waits >= least * 0.7
    other = work_off(run_of(watched(sandbox, "load.8")))
    assert (other.status, other.attempts) == (Status.PENDING, 0)
    assert ApiCall.objects.count() == 2


@pytest.mark.parametrize("fault", ["http_500", "http_502_html", "dropped", "truncated", "html_200"])
def test_what_may_pass_is_tried_again_later(sandbox: Any, work_off: WorkOff, fault: str) -> None:
    sandbox.faults.add("/v3", fault, times=1)
    run = work_off(run_of(watched(sandbox, SMALL)))
    assert (run.status, run.attempts) == (Status.PENDING, 1)
    assert run.run_after > run.created_at + timedelta(seconds=5)
    ProfileMonitoringLog.objects.update(run_after=Now())
    run = work_off(run)
    assert (run.status, run.posts_scraped, run.error) == (Status.COMPLETED, 5, "")
    assert calls().count("profile") == 1


def test_a_call_that_timed_out_may_have_been_billed(
    sandbox: Any, work_off: WorkOff, settings: Any
) -> None:
    settings.HTTP_TIMEOUT = 0.3
    sandbox.faults.add("/v3", "slow", times=1, seconds=1.0)
    run = work_off(run_of(watched(sandbox, SMALL)))
    assert (run.status, run.error_code) == (Status.PENDING, "timeout")
    call = ApiCall.objects.get(error_code="timeout")
    assert (call.credits, call.max_credits, call.http_status) == (None, 1, None)
    assert call.params["user_id"] == sandbox.truth(SMALL)["userId"]
    assert run.credits_charged == 1  # of the profile


def test_a_call_is_in_the_books_before_it_is_made(
    sandbox: Any, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a worker that dies over it leaves a call that may have been billed."""
    from tiktok.services.scraping import Ledger

    monkeypatch.setattr(Ledger, "after", lambda *_: None)  # the worker is gone
    work_off(run_of(watched(sandbox)))
    assert set(ApiCall.objects.values_list("error_code", "credits")) == {("in_flight", None)}


def test_a_persons_runs_go_before_scheduled_ones(sandbox: Any) -> None:
    run_of(watched(sandbox, "load.1"), Trigger.SCHEDULED)
    mine = run_of(watched(sandbox, "load.2"), Trigger.MANUAL)
    (first,) = ProfileMonitoringLog.objects.claim(1)
    assert (first.pk, first.priority) == (mine.pk, Priority.PERSON)

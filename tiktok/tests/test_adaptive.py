"""Adaptive profiles are looked at when something is expected; all others keep their interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from carousel.lib.work import Status
from tiktok.models import (
    ApiCall,
    ProfileMonitoringLog,
    Schedule,
    SchedulePrice,
    TikTokPost,
    TikTokProfile,
)
from tiktok.services import (
    add_profile,
    adjust_price,
    next_run_reason,
    plan_due_runs,
    plan_next_look,
    set_monitoring,
)
from tiktok.tests.conftest import WorkOff
from tiktok.tests.factories import make_profile

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def watched(number: int = 1, **fields: Any) -> TikTokProfile:
    wanted = {
        "monitoring_enabled": True,
        "monitoring_schedule": Schedule.ADAPTIVE,
        "next_monitoring_run": NOW - DAY,
    }
    return make_profile(number, **wanted | fields)


def give_posts(profile: TikTokProfile, days: list[float]) -> None:
    TikTokPost.objects.bulk_create(
        TikTokPost(
            profile=profile,
            tiktok_id=f"{profile.tiktok_user_id}{number}",
            content_type="photo",
            published_at=NOW - timedelta(days=ago),
        )
        for number, ago in enumerate(days)
    )


def planned(profile: TikTokProfile) -> TikTokProfile:
    plan_next_look(profile, NOW)
    profile.refresh_from_db()
    return profile


def test_who_posts_more_is_looked_at_more() -> None:
    busy, quiet = watched(1), watched(2)
    give_posts(busy, [n / 3 for n in range(40)])
    give_posts(quiet, [n * 30 + 25 for n in range(5)])
    busy, quiet = planned(busy), planned(quiet)
    assert busy.planned_interval_minutes
    assert quiet.planned_interval_minutes
    assert busy.planned_interval_minutes * 3 < quiet.planned_interval_minutes
    assert "posts a day" in busy.next_run_reason
    assert "a post in" in quiet.next_run_reason
    assert busy.next_monitoring_run
    assert busy.next_monitoring_run > NOW


def test_a_profiles_own_bounds_are_kept() -> None:
    busy = watched(1, monitoring_min_minutes=600)
    quiet = watched(2, monitoring_max_minutes=700)
    give_posts(busy, [n / 50 for n in range(60)])
    assert planned(busy).planned_interval_minutes == 600
    assert planned(quiet).planned_interval_minutes == 700
    assert "(the least interval)" in busy.next_run_reason
    assert "(the longest interval)" in quiet.next_run_reason


def test_an_interval_that_was_set_is_kept_exactly(settings: Any) -> None:
    settings.MONITORING_SCHEDULE = "adaptive"
    profile = watched(monitoring_schedule="", planned_interval_minutes=100)
    plan_due_runs()
    profile.refresh_from_db()
    assert profile.next_monitoring_run
    assert profile.next_monitoring_run < NOW + timedelta(minutes=120)
    set_monitoring([profile.pk], enabled=True, interval_minutes=60)
    profile.refresh_from_db()
    before = profile.next_monitoring_run
    assert planned(profile).next_monitoring_run == before
    assert next_run_reason(profile) == "every 1 h, as set"
    TikTokProfile.objects.update(next_monitoring_run=Now() - DAY)
    ProfileMonitoringLog.objects.all().delete()
    plan_due_runs()
    profile.refresh_from_db()
    assert timedelta(minutes=56) < profile.next_monitoring_run - NOW < timedelta(minutes=65)


def test_without_being_switched_on_nothing_is_adaptive() -> None:
    profile = watched(monitoring_schedule="", planned_interval_minutes=100)
    plan_due_runs()
    profile.refresh_from_db()
    assert profile.next_monitoring_run
    assert profile.next_monitoring_run > NOW + timedelta(minutes=1300)
    assert next_run_reason(profile) == "every 24 h, as set"


def test_what_is_not_watched_is_not_planned() -> None:
    profile = planned(watched(monitoring_enabled=False, next_monitoring_run=None))
    assert (profile.next_monitoring_run, next_run_reason(profile)) == (None, "")


def familiar(handle: str) -> TikTokProfile:
    """A profile all of whose posts are known, due now."""
    profile = add_profile(handle).profile
    ProfileMonitoringLog.objects.all().delete()
    ApiCall.objects.all().delete()
    TikTokProfile.objects.update(
        monitoring_enabled=True,
        monitoring_schedule=Schedule.ADAPTIVE,
        next_monitoring_run=Now() - DAY,
        history_complete=True,
        all_pages_at=Now(),
    )
    return profile


def run_due(work_off: WorkOff) -> ProfileMonitoringLog:
    plan_due_runs()
    run: ProfileMonitoringLog = work_off(ProfileMonitoringLog.objects.get())
    return run


def asked() -> list[str]:
    calls = ApiCall.objects.order_by("started_at").values_list("endpoint", flat=True)
    return [endpoint.rpartition("/")[2] for endpoint in calls]


def test_all_pages_of_an_adaptive_profile_are_looked_at_as_often_as_is_set(settings: Any) -> None:
    settings.MONITORING_ADAPTIVE_ALL_PAGES_DAYS = 60
    for number, days in enumerate((8, 59, 61)):
        watched(number, history_complete=True, all_pages_at=Now() - days * DAY)
    plan_due_runs()
    runs = ProfileMonitoringLog.objects.order_by("profile__handle")
    assert list(runs.values_list("every_page", flat=True)) == [False, False, True]


def test_a_look_at_a_familiar_profile_costs_one_credit(sandbox: Any, work_off: WorkOff) -> None:
    profile = familiar("creator.999")
    run = run_due(work_off)
    assert (run.status, run.stop_reason, run.credits_charged) == (
        *(Status.COMPLETED, "end_of_list", 1),
    )
    assert asked() == ["videos"]
    profile.refresh_from_db()
    assert profile.next_monitoring_run
    ahead = profile.next_monitoring_run - datetime.now(UTC)
    minutes = profile.planned_interval_minutes
    assert minutes
    assert abs(ahead - timedelta(minutes=minutes)) < timedelta(minutes=2)


def test_a_handle_that_changed_is_noticed_on_the_page(sandbox: Any, work_off: WorkOff) -> None:
    profile = familiar("creator.999")
    sandbox.world.rename("creator.999", "creator.renamed")
    run = run_due(work_off)
    profile.refresh_from_db()
    assert run.status == Status.COMPLETED
    assert profile.handle == "creator.renamed"
    assert asked() == ["videos", "profile", "videos"]


def test_an_empty_page_makes_it_ask_who_the_account_is(sandbox: Any, work_off: WorkOff) -> None:
    familiar("creator.999")
    sandbox.faults.add("/v3/tiktok/profile/videos", "empty_page", times=1)
    run = run_due(work_off)
    assert (run.status, run.stop_reason) == (Status.COMPLETED, "end_of_list")
    assert asked() == ["videos", "profile", "videos"]


def test_the_price_follows_the_budget(settings: Any) -> None:
    settings.MONITORING_DAILY_CREDITS = 10
    for number in range(10):
        watched(number, posts_per_day=1.0, planned_interval_minutes=360)
    assert adjust_price()
    first = SchedulePrice.objects.get().price
    assert first == pytest.approx(1 / 1.5)
    assert not adjust_price()  # not so soon
    SchedulePrice.objects.update(set_at=Now() - DAY)
    assert adjust_price()  # 40 credits a day were planned, and 10 may be spent
    assert SchedulePrice.objects.get().price == pytest.approx(2 * first)


def test_without_adaptive_profiles_there_is_no_price() -> None:
    watched(monitoring_schedule=Schedule.FIXED)
    assert not adjust_price()
    assert not SchedulePrice.objects.exists()

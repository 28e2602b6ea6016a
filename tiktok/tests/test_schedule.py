"""Who is due gets one run, however many plan at once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from carousel.lib.ids import uuid7
from carousel.lib.work import Priority, Status
from tiktok import tasks
from tiktok.models import ProfileMonitoringLog, TikTokProfile, Trigger
from tiktok.services import plan_due_runs, set_monitoring, trigger_run
from tiktok.tests.factories import make_profile
from tiktok.tests.test_bulk_upsert import run_together

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def due_profile(number: int = 1, **fields: Any) -> TikTokProfile:
    wanted = {"monitoring_enabled": True, "next_monitoring_run": Now() - DAY} | fields
    return make_profile(number, **wanted)


def test_a_due_profile_gets_a_run_and_its_next_time() -> None:
    profile = due_profile()
    assert plan_due_runs() == 1
    run = ProfileMonitoringLog.objects.get()
    assert (run.profile, run.trigger, run.status) == (profile, Trigger.SCHEDULED, Status.PENDING)
    assert (run.priority, run.every_page) == (Priority.SCHEDULE, True)
    profile.refresh_from_db()
    assert profile.next_monitoring_run
    ahead = profile.next_monitoring_run - run.created_at
    assert timedelta(minutes=1440 * 0.95) <= ahead <= timedelta(minutes=1440 * 1.05)
    assert plan_due_runs() == 0


def test_times_are_spread() -> None:
    for number in range(20):
        due_profile(number)
    plan_due_runs()
    times = list(TikTokProfile.objects.values_list("next_monitoring_run", flat=True))
    known = [moment for moment in times if moment]
    assert len(set(known)) == 20
    assert max(known) - min(known) > timedelta(minutes=20)


def test_only_who_is_due_and_watched_is_planned() -> None:
    due_profile(1, next_monitoring_run=Now() + DAY)
    due_profile(2, monitoring_enabled=False)
    due_profile(3, next_monitoring_run=None)
    assert plan_due_runs() == 0


def test_a_profile_with_an_open_run_is_not_given_another() -> None:
    profile = due_profile()
    trigger_run(profile, trigger=Trigger.MANUAL)
    assert plan_due_runs() == 0
    profile.refresh_from_db()
    assert profile.next_monitoring_run
    assert profile.next_monitoring_run > ProfileMonitoringLog.objects.get().created_at


def test_every_page_is_looked_at_until_all_are_known_and_then_once_a_week(settings: Any) -> None:
    settings.MONITORING_ALL_PAGES_DAYS = 7
    for number, (known, days) in enumerate([(False, 1), (True, 1), (True, 8)]):
        due_profile(number, history_complete=known, all_pages_at=Now() - days * DAY)
    plan_due_runs()
    runs = ProfileMonitoringLog.objects.order_by("profile__handle")
    assert list(runs.values_list("every_page", flat=True)) == [True, False, True]


def test_a_limit_is_kept_and_the_longest_waiting_go_first() -> None:
    for number in range(5):
        due_profile(number, next_monitoring_run=Now() - number * DAY)
    assert plan_due_runs(limit=2) == 2
    handles = ProfileMonitoringLog.objects.values_list("profile__handle", flat=True)
    assert set(handles) == {"user3", "user4"}


@pytest.mark.django_db(transaction=True)
def test_ten_planners_at_once_double_no_run() -> None:
    for number in range(200):
        due_profile(number)
    planned: list[int] = []

    def plan(_: int) -> None:
        for _ in range(3):
            planned.append(plan_due_runs(limit=50))

    run_together(10, plan)
    assert sum(planned) == ProfileMonitoringLog.objects.count() == 200
    assert not TikTokProfile.objects.filter(next_monitoring_run__lte=Now()).exists()


def test_planning_costs_what_is_due_and_not_what_exists() -> None:
    profiles = [
        TikTokProfile(
            id=uuid7(),
            tiktok_user_id=str(number),
            monitoring_enabled=True,
            next_monitoring_run="2999-01-01T00:00Z",
        )
        for number in range(2000)
    ]
    TikTokProfile.objects.bulk_create(profiles)
    for number in range(10):
        due_profile(number)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tiktok_tiktokprofile")
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        assert plan_due_runs() == 10
    assert time.perf_counter() - began < 0.5
    assert len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 1


def test_switching_on_plans_the_first_run_one_interval_ahead() -> None:
    profile = make_profile()
    change = set_monitoring([profile.pk], enabled=True, interval_minutes=60)
    assert (change.updated_count, change.not_found) == (1, [])
    ahead = TikTokProfile.objects.filter(
        monitoring_enabled=True,
        monitoring_interval_minutes=60,
        next_monitoring_run__gt=Now() + timedelta(minutes=59),
        next_monitoring_run__lt=Now() + timedelta(minutes=61),
    )
    assert ahead.exists()
    assert plan_due_runs() == 0


def test_switching_on_what_is_on_keeps_its_time() -> None:
    profile = due_profile(next_monitoring_run=Now() + timedelta(minutes=5))
    profile.refresh_from_db()
    before = profile.next_monitoring_run
    set_monitoring([str(profile.pk)], enabled=True)
    profile.refresh_from_db()
    assert profile.next_monitoring_run == before
    set_monitoring([profile.pk], enabled=True, interval_minutes=10)
    late = TikTokProfile.objects.filter(
        next_monitoring_run__gt=F("updated_at") + timedelta(minutes=9)
    )
    assert late.exists()


def test_switching_off_forgets_the_next_time() -> None:
    profile = due_profile()
    set_monitoring([profile.pk], enabled=False)
    profile.refresh_from_db()
    assert (profile.monitoring_enabled, profile.next_monitoring_run) == (False, None)


def test_unknown_profiles_are_named_and_hurt_nobody() -> None:
    profile, stranger = make_profile(), str(uuid4())
    change = set_monitoring([stranger, profile.pk, "no-uuid"], enabled=True)
    assert (change.updated_count, change.not_found) == (1, [stranger, "no-uuid"])


def test_a_thousand_profiles_are_switched_in_a_few_statements() -> None:
    profiles = [make_profile(number).pk for number in range(100)]
    with CaptureQueriesContext(connection) as queries:
        assert set_monitoring(profiles, enabled=True, interval_minutes=30).updated_count == 100
    assert len(queries) <= 8


@pytest.mark.django_db(transaction=True)
def test_the_sweep_plans_what_is_due() -> None:
    due_profile()
    tasks.sweep()
    assert ProfileMonitoringLog.objects.count() == 1

"""Calls of unknown price are settled from the provider's books, and never by a guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tiktok import tasks
from tiktok.models import ApiCall, ProfileMonitoringLog, Trigger
from tiktok.scraper.calls import PlannedCall
from tiktok.scraper.errors import ScrapeError
from tiktok.scraper.schemas import UsageRow
from tiktok.services import add_profile, budgets, reconcile_calls, reconciling, scraper, trigger_run
from tiktok.services.budgets import reserve
from tiktok.tests.conftest import WorkOff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_rate_limit", "soon")]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
PATH = "/v1/tiktok/profile"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(reconciling, "UNSETTLED_FOR", timedelta(0))
    settings.HTTP_TIMEOUT = 0.4


def ask(handle: str) -> str:
    """The code that the call ends with."""
    try:
        with scraper() as client:
            client.profile(handle=handle)
    except ScrapeError as exc:
        return exc.code
    return ""


def prices() -> list[int | None]:
    return list(ApiCall.objects.order_by("started_at").values_list("credits", flat=True))


@pytest.mark.parametrize("fault", ["slow", "dropped", "truncated"])
def test_a_call_without_an_answer_is_found_in_the_books(sandbox: Any, fault: str) -> None:
    sandbox.faults.add(PATH, fault, times=1, seconds=1.0)
    assert ask("creator.1") in ("timeout", "connection_failed", "malformed_answer")
    assert ask("creator.2") == ""
    assert (prices(), budgets()[0].used) == ([None, 1], 2)
    assert reconcile_calls() == 1
    cost = 1_000_000 - sandbox.account.credits
    assert (prices(), budgets()[0].used) == ([cost - 1, 1], cost)
    assert cost == (1 if fault == "dropped" else 2)


def test_a_call_that_never_arrived_cost_nothing(sandbox: Any) -> None:
    lost = PlannedCall(uuid4(), PATH, {"handle": "creator.1"}, 1, datetime.now(UTC))
    reserve(lost, None, None)
    assert ask("creator.2") == ""
    assert budgets()[0].used == 2
    assert reconcile_calls() == 1
    call = ApiCall.objects.get(pk=lost.id)
    assert (call.credits, call.error_code) == (0, "never_arrived")
    assert [budget.used for budget in budgets()] == [1, 1]


def test_one_entry_settles_one_call(sandbox: Any) -> None:
    """The same question twice: the answered one has its own entry."""
    sandbox.faults.add(PATH, "slow", times=1, seconds=1.0)
    assert ask("creator.1") == "timeout"
    assert ask("creator.1") == ""
    lost = PlannedCall(uuid4(), PATH, {"handle": "creator.1"}, 1, datetime.now(UTC))
    reserve(lost, None, None)
    ask("creator.2")
    assert reconcile_calls() == 2
    assert sorted(price or 0 for price in prices()) == [0, 1, 1, 1]
    assert budgets()[0].used == 3 == 1_000_000 - sandbox.account.credits


def test_what_it_cost_is_charged_to_its_run(sandbox: Any, work_off: WorkOff) -> None:
    profile = add_profile("creator.1").profile
    ProfileMonitoringLog.objects.all().delete()
    sandbox.faults.add("/v3/tiktok/profile/videos", "slow", times=1, seconds=1.0)
    run, _ = trigger_run(profile, trigger=Trigger.SCHEDULED)
    run = work_off(run)
    assert (run.error_code, run.credits_charged) == ("timeout", 1)
    ask("creator.2")
    reconcile_calls()
    run.refresh_from_db()
    assert run.credits_charged == 2
    assert budgets(profile)[0].used == 4


def test_while_the_books_cant_be_had_calls_count_at_their_most(sandbox: Any) -> None:
    reserve(PlannedCall(uuid4(), PATH, {}, 1, datetime.now(UTC)), None, None)
    sandbox.faults.add("/v1/account/get-api-usage", "http_500")
    assert reconcile_calls() == 0
    assert (prices(), budgets()[0].used) == ([None], 1)


def test_nothing_is_asked_where_nothing_is_unknown(sandbox: Any) -> None:
    sandbox.faults.add("/v1/account/get-api-usage", "http_500", times=1)
    assert reconcile_calls() == 0
    assert len(sandbox.faults.listing()) == 1  # nobody came by


def test_the_sweep_reconciles(sandbox: Any) -> None:
    sandbox.faults.add(PATH, "truncated", times=1)
    ask("creator.1")
    ask("creator.2")
    tasks.sweep()
    assert prices() == [1, 1]


def call(minute: float, credits: int | None = None, handle: str = "a") -> ApiCall:
    moment = NOON + timedelta(minutes=minute)
    return ApiCall(
        pk=uuid4(), endpoint=PATH, params={"handle": handle}, started_at=moment, credits=credits
    )


def entry(minute: float, handle: str = "a") -> UsageRow:
    moment = NOON + timedelta(minutes=minute)
    return UsageRow("1", PATH, 200, 5, True, 1, moment, "GET", {"handle": handle})


def test_books_that_hold_none_of_our_calls_prove_nothing() -> None:
    assert reconciling.match([call(0)], [call(1, 1)], [], None) == []
    assert reconciling.match([call(0)], [], [entry(1, "b")], None) == []


def test_books_that_are_behind_prove_nothing() -> None:
    known = call(-1, 1, "b")
    assert reconciling.match([call(0)], [known], [entry(-1, "b")], None) == []


def test_books_that_do_not_reach_back_prove_nothing() -> None:
    lost, known = call(0), call(1, 1, "b")
    listed = [entry(1, "b")]
    assert reconciling.match([lost], [known], listed, NOON) == []
    since = NOON - timedelta(minutes=3)
    assert reconciling.match([lost], [known], listed, since) == [(lost, None)]


def test_an_entry_far_from_the_call_is_somebody_elses() -> None:
    lost, known = call(0), call(5, 1, "b")
    assert reconciling.match([lost], [known], [entry(4), entry(5, "b")], None) == [(lost, None)]

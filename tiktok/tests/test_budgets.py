"""No budget is ever overrun, and every credit is counted once."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Sum
from django.db.models.functions import Coalesce

from carousel.api.errors import problem_of
from carousel.lib.work import Status
from tiktok.models import ApiCall, CreditCount, ProfileMonitoringLog, TikTokProfile, Trigger
from tiktok.scraper.calls import Call, PlannedCall
from tiktok.scraper.errors import ScrapeError
from tiktok.services import add_profile, budgets, scraper, trigger_run
from tiktok.services.budgets import BudgetExhausted, reserve, settle, settle_price
from tiktok.tests.conftest import WorkOff
from tiktok.tests.factories import make_profile
from tiktok.tests.test_bulk_upsert import run_together

pytestmark = pytest.mark.django_db


def planned(max_credits: int = 1) -> PlannedCall:
    return PlannedCall(uuid4(), "/v1/tiktok/profile", {}, max_credits, datetime.now(UTC))


def answered(plan: PlannedCall, credits: int | None, code: str = "") -> Call:
    return Call(
        plan.id, plan.endpoint, plan.params, plan.max_credits, plan.started_at,
        duration_ms=5, http_status=200, credits_charged=credits, error_code=code,
    )  # fmt: skip


def used(profile: TikTokProfile | None = None) -> list[int]:
    return [budget.used for budget in budgets(profile)]


def in_the_ledger() -> int:
    price = Sum(Coalesce("credits", "max_credits"))
    return ApiCall.objects.aggregate(total=price)["total"] or 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("which", ["day", "month", "profile"])
def test_eight_workers_at_once_never_overrun_a_budget(which: str, settings: Any) -> None:
    settings.SCRAPECREATORS_DAILY_BUDGET = 37 if which == "day" else None
    settings.SCRAPECREATORS_MONTHLY_BUDGET = 37 if which == "month" else None
    profile = make_profile(credit_budget_per_month=37 if which == "profile" else None)
    highest, passed, refused = [0], [0], [0]
    lock = threading.Lock()

    def work(number: int) -> None:
        for turn in range(10):
            plan = planned(1 + (number + turn) % 2)
            try:
                reserve(plan, None, profile.pk)
            except BudgetExhausted:
                refused[0] += 1
                continue
            with lock:
                highest[0] = max(highest[0], in_the_ledger())
                passed[0] += 1
            if turn % 3 == 0:  # cheaper than feared, which makes room for others
                settle(answered(plan, 0))

    run_together(8, work)
    assert 30 <= highest[0] <= 37
    assert refused[0] > 0
    assert used() == [in_the_ledger()] * 2
    assert used(profile) == [in_the_ledger()]
    assert in_the_ledger() <= 37


def test_a_refused_call_leaves_no_trace(settings: Any) -> None:
    settings.SCRAPECREATORS_DAILY_BUDGET = 0
    with pytest.raises(BudgetExhausted) as caught:
        reserve(planned(), None, None)
    assert not ApiCall.objects.exists()
    assert not CreditCount.objects.exists()
    told = str(caught.value)
    assert "SCRAPECREATORS_DAILY_BUDGET" in told
    assert "00:00 UTC" in told
    assert 0 < (caught.value.retry_after or 0) <= 3600


def test_a_call_of_unknown_price_keeps_what_was_reserved() -> None:
    profile = make_profile()
    plan = planned(10)
    reserve(plan, None, profile.pk)
    settle(answered(plan, None, "timeout"))
    assert (used(), used(profile)) == ([10, 10], [10])
    assert settle_price(plan.id, 1)
    assert not settle_price(plan.id, 0)
    assert (used(), used(profile)) == ([1, 1], [1])


def test_settling_twice_counts_once() -> None:
    run, _ = trigger_run(make_profile(), trigger=Trigger.MANUAL)
    plan = planned(5)
    reserve(plan, run.pk, run.profile_id)
    for _ in range(2):
        settle(answered(plan, 2))
    run.refresh_from_db()
    assert (run.credits_charged, used()) == (2, [2, 2])
    settle(answered(plan, None, "timeout"))
    assert used() == [2, 2]


def test_an_answer_after_a_wrong_reconciliation_corrects_it() -> None:
    plan = planned(3)
    reserve(plan, None, None)
    settle_price(plan.id, 0)
    settle(answered(plan, 3))
    assert used() == [3, 3]


def test_another_day_begins_at_nothing(settings: Any) -> None:
    settings.SCRAPECREATORS_DAILY_BUDGET = 5
    today = budgets()[0].starts
    CreditCount.objects.create(period="day", starts=today - timedelta(days=1), credits=5)
    reserve(planned(5), None, None)
    with pytest.raises(BudgetExhausted):
        reserve(planned(), None, None)
    assert budgets()[0].exhausted


def test_a_month_ends_with_its_last_day() -> None:
    from tiktok.models import Period
    from tiktok.services.budgets import Budget

    december = Budget(Period.MONTH, date(2026, 12, 1), None, 0)
    february = Budget(Period.MONTH, date(2028, 2, 1), None, 0)
    assert december.ends == datetime(2027, 1, 1, tzinfo=UTC)
    assert february.ends == datetime(2028, 3, 1, tzinfo=UTC)
    assert Budget(Period.DAY, date(2028, 2, 29), None, 0).ends == february.ends


def test_a_scheduled_run_waits_for_credits_and_then_goes_on(
    sandbox: Any, work_off: WorkOff, settings: Any
) -> None:
    profile = add_profile("creator.999").profile
    ProfileMonitoringLog.objects.all().delete()
    settings.SCRAPECREATORS_DAILY_BUDGET = used()[0] + 1  # enough to ask who it is
    run, _ = trigger_run(profile, trigger=Trigger.SCHEDULED)
    run = work_off(run, times=1)
    assert (run.status, run.error_code, run.attempts) == (Status.PENDING, "budget_exhausted", 0)
    assert (run.profile_fetched, run.pages_scraped, run.credits_charged) == (True, 0, 1)
    settings.SCRAPECREATORS_DAILY_BUDGET = None
    ProfileMonitoringLog.objects.update(run_after=run.created_at)
    run = work_off(run)
    assert (run.status, run.error_code) == (Status.COMPLETED, "")
    assert used() == [in_the_ledger()] * 2
    assert len(sandbox.account.calls) == ApiCall.objects.count()


def test_a_run_that_a_person_asked_for_fails_with_a_clear_word(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = make_profile(credit_budget_per_month=0)
    run, _ = trigger_run(profile, trigger=Trigger.MANUAL)
    run = work_off(run)
    assert (run.status, run.error_code) == (Status.FAILED, "budget_exhausted")
    assert "raise it on the profile" in run.error
    assert not sandbox.account.calls


def test_adding_a_profile_beyond_the_budget_is_a_402(
    sandbox: Any, settings: Any, no_rate_limit: None
) -> None:
    settings.SCRAPECREATORS_MONTHLY_BUDGET = 0
    with pytest.raises(ScrapeError) as caught:
        add_profile("creator.999")
    problem = problem_of(caught.value)
    assert problem is not None
    assert (problem.status, problem.code) == (402, "budget_exhausted")
    assert not TikTokProfile.objects.exists()
    assert not sandbox.account.calls


def test_what_adding_cost_is_counted_for_the_profile(sandbox: Any, no_rate_limit: None) -> None:
    added = add_profile("creator.999")
    assert used(added.profile) == [2]
    assert used() == [2, 2]
    TikTokProfile.objects.update(credit_budget_per_month=2)
    with pytest.raises(BudgetExhausted):
        add_profile("creator.999")


def test_free_calls_need_no_budget(sandbox: Any, settings: Any, no_rate_limit: None) -> None:
    settings.SCRAPECREATORS_DAILY_BUDGET = 0
    with scraper() as client:
        assert client.credit_balance() > 0

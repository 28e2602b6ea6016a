"""Credits, budgets and what stops calls, as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from tiktok.models import CreditCount, ScraperGate
from tiktok.services import budgets
from tiktok.tests.factories import make_profile

pytestmark = pytest.mark.django_db


def test_budgets_and_what_is_used(api: Any, settings: Any) -> None:
    settings.SCRAPECREATORS_MONTHLY_BUDGET = 100
    month = budgets()[1].starts
    CreditCount.objects.create(period="month", starts=month, credits=40)
    body = api.get("/api/tiktok/credits").json()
    day, of_month = body["budgets"]
    assert (day["period"], day["limit"], day["used"]) == ("day", None, 0)
    assert (of_month["limit"], of_month["used"], of_month["exhausted"]) == (100, 40, False)
    assert (body["creditsRemaining"], body["unsettledCalls"], body["stopped"]) == (None, 0, None)
    CreditCount.objects.update(credits=100)
    stopped = api.get("/api/tiktok/credits").json()["stopped"]
    assert (stopped["code"], stopped["until"]) == ("budget_exhausted", of_month["ends"])


def test_a_pause_and_a_closed_gate_are_told(api: Any) -> None:
    ScraperGate.objects.create(closed_code="out_of_credits", closed_reason="402")
    assert api.get("/api/tiktok/credits").json()["stopped"]["code"] == "out_of_credits"
    ScraperGate.objects.update(paused=True)
    assert api.get("/api/tiktok/credits").json()["stopped"]["code"] == "paused"


def test_a_null_interval_makes_it_adaptive_and_a_number_fixed(api: Any) -> None:
    profile = make_profile()
    path = f"/api/tiktok/profiles/{profile.pk}"
    assert api.get(path).json()["monitoringSchedule"] == "fixed"
    asked = {"enabled": True, "intervalMinutes": None}
    body = api.patch(f"{path}/monitoring", asked, format="json").json()
    assert (body["monitoringSchedule"], body["monitoringIntervalMinutes"]) == ("adaptive", 1440)
    assert body["nextMonitoringReason"] == "adaptive; nothing is known of it yet"
    wanted = {"monitoringMaxMinutes": 600, "creditBudgetPerMonth": 90}
    body = api.patch(path, wanted, format="json").json()
    assert body["monitoringSchedule"] == "adaptive"
    assert (body["monitoringMaxMinutes"], body["creditBudgetPerMonth"]) == (600, 90)
    body = api.patch(path, {"monitoringIntervalMinutes": 60}, format="json").json()
    assert (body["monitoringSchedule"], body["monitoringIntervalMinutes"]) == ("fixed", 60)
    assert body["nextMonitoringReason"] == "every 1 h, as set"
    bad = api.patch(path, {"creditBudgetPerMonth": -1}, format="json")
    assert bad.status_code == 400

"""Credits, budgets and what stops calls, as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from tiktok.models import CreditCount, ScraperGate
from tiktok.services import budgets

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

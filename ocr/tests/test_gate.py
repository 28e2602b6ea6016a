"""The gate: budget, pause, and doors that close by themselves, for all workers together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from carousel.lib.drain import drain
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.work import Status
from ocr import services
from ocr.engine import RequestEstimate, TooDear
from ocr.models import ModelCall, ReaderGate, Reading
from ocr.services import FLOW, open_gate, spending
from ocr.services.gate import SharedGate
from ocr.tests.carousels import photo_posts, said, stored, truth

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("empty_redis"),
]

GENERATE = "POST /gemini/v1beta/models/*:generateContent"


def request(ceiling: str, likely: str = "0.01") -> RequestEstimate:
    return RequestEstimate("m", 1, 4, 4000, 600, Decimal(likely), Decimal(ceiling))


def committed() -> Decimal:
    return spending().committed


def current(reading: Reading) -> Reading:
    return Reading.objects.get(pk=reading.pk)


def due_now() -> None:
    Reading.objects.filter(status=Status.PENDING).update(run_after=Now() - timedelta(seconds=1))


def test_workers_that_ask_at_once_never_overrun_the_budget(settings: Any) -> None:
    settings.OCR_DAILY_BUDGET_USD = Decimal("1.00")

    def ask(_: int) -> bool:
        try:
            SharedGate().enter(request("0.03"))
        except NotNow:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        passed = sum(pool.map(ask, range(60)))
    assert (passed, committed()) == (33, Decimal("0.99"))
    assert ModelCall.objects.count() == 33


def test_what_a_request_did_cost_takes_the_place_of_what_it_might_have(settings: Any) -> None:
    settings.OCR_DAILY_BUDGET_USD = Decimal("0.10")
    gate = SharedGate()
    ticket = gate.enter(request("0.09"))
    with pytest.raises(TooDear, match="OCR_DAILY_BUDGET_USD") as refused:
        gate.enter(request("0.02"))
    assert 0 < refused.value.wait <= 86_400
    ticket.paid(4000, 500, Decimal("0.004"))
    assert committed() == Decimal("0.004")
    ticket.paid(4000, 500, Decimal("0.004"))
    assert committed() == Decimal("0.004")
    gate.enter(request("0.09")).failed("gemini_internal", may_cost=False)
    assert committed() == Decimal("0.004")
    gate.enter(request("0.09")).failed("gemini_timeout", may_cost=True)
    assert committed() == Decimal("0.094")
    call = ModelCall.objects.get(error_code="gemini_timeout")
    assert (call.cost_usd, call.reserved_usd) == (None, Decimal("0.09"))


def test_a_new_day_has_a_budget_of_its_own(settings: Any) -> None:
    settings.OCR_DAILY_BUDGET_USD = Decimal("0.10")
    late = SharedGate().enter(request("0.09"))
    ReaderGate.objects.update(day=F("day") - timedelta(days=1))
    ModelCall.objects.update(day=F("day") - timedelta(days=1))
    assert committed() == 0
    SharedGate().enter(request("0.08"))
    late.paid(1, 1, Decimal("0.01"))
    assert committed() == Decimal("0.08")


def test_without_a_budget_everything_is_still_written_down(settings: Any) -> None:
    SharedGate().enter(request("5"))
    assert (spending().budget, committed()) == (None, Decimal(5))


def test_a_pause_stops_every_reader_and_costs_no_attempt(gemini_box: Any, settings: Any) -> None:
    ReaderGate.objects.update_or_create(pk=1, defaults={"paused": True})
    (post,) = photo_posts(gemini_box, 1)
    reading = stored(post)
    for engine in ("local", "gemini"):
        settings.OCR_ENGINE = engine
        due_now()
        drain(FLOW)
        after = current(reading)
        assert (after.status, after.attempts) == (Status.PENDING, 0)
        assert "paused" in after.error
    with pytest.raises(NotNow, match="paused"):
        SharedGate().enter(request("1"))
    ReaderGate.objects.update(paused=False)
    due_now()
    drain(FLOW)
    assert said(reading) == truth(post, gemini_box)


def test_the_last_of_a_budget_is_spent_on_smaller_requests(gemini_box: Any, settings: Any) -> None:
    posts = photo_posts(gemini_box, 4)
    readings = [stored(post) for post in posts]
    budget = settings.OCR_DAILY_BUDGET_USD = Decimal("0.012")
    services.read(Reading.objects.claim(10))
    read = [each for reading in readings for each in said(reading) if each is not None]
    assert 0 < len(read) < sum(len(post.slides) for post in posts)
    assert max(ModelCall.objects.values_list("reserved_usd", flat=True)) <= budget
    assert committed() <= budget
    waiting = [row for row in map(current, readings) if row.status == Status.PENDING]
    assert waiting
    assert {(row.attempts, "OCR_DAILY_BUDGET_USD" in row.error) for row in waiting} == {(0, True)}
    settings.OCR_DAILY_BUDGET_USD = None
    due_now()
    drain(FLOW)
    assert [said(reading) for reading in readings] == [truth(post, gemini_box) for post in posts]
    costs = [current(reading).cost_usd or 0 for reading in readings]
    assert sum(costs) == sum(call.cost_usd or 0 for call in ModelCall.objects.all()) == committed()


def test_no_quota_at_all_stops_everything_until_a_request_succeeds(gemini_box: Any) -> None:
    first, second = (stored(post) for post in photo_posts(gemini_box, 2))
    Reading.objects.filter(pk=second.pk).update(run_after=Now() + timedelta(hours=1))
    gemini_box.faults.add("/gemini/v1beta/models/", "limit_zero")
    drain(FLOW)
    gate = ReaderGate.objects.get()
    assert (gate.closed_code, current(first).status) == ("quota_zero", Status.PENDING)
    assert "billing" in current(first).error
    due_now()
    drain(FLOW)
    assert gemini_box.application.stats.count(GENERATE) == 1
    assert committed() == 0
    gemini_box.faults.clear()
    ReaderGate.objects.update(probe_at=Now() - timedelta(seconds=1))
    due_now()
    drain(FLOW)
    assert ReaderGate.objects.get().closed_code == ""
    assert {current(first).status, current(second).status} == {Status.COMPLETED}


def test_while_the_gate_is_closed_one_request_in_five_minutes_tries() -> None:
    gate = SharedGate()
    gate.enter(request("0.01"))
    gate.close(UpstreamError("No key.", code="invalid_key", retryable=False))
    with pytest.raises(NotNow, match="No key"):
        gate.enter(request("0.01"))
    ReaderGate.objects.update(probe_at=Now() - timedelta(seconds=1))
    gate.enter(request("0.01"))
    with pytest.raises(NotNow, match="No key"):
        gate.enter(request("0.01"))
    assert open_gate()
    gate.enter(request("0.01"))
    assert not open_gate()


def test_a_quota_per_day_is_waited_for(gemini_box: Any) -> None:
    (post,) = photo_posts(gemini_box, 1)
    reading = stored(post)
    gemini_box.faults.add("/gemini/v1beta/models/", "per_day")
    drain(FLOW)
    due_now()
    drain(FLOW)
    after = current(reading)
    assert (after.status, after.attempts) == (Status.PENDING, 0)
    assert gemini_box.application.stats.count(GENERATE) == 1
    assert committed() == 0


def test_health_and_dashboard_say_why_nothing_is_read(
    client: Any, admin_client: Any, settings: Any
) -> None:
    def told() -> Any:
        return client.get("/readyz").json()["checks"]["reading"]

    assert (told()["status"], told()["code"]) == ("ok", "")
    settings.OCR_DAILY_BUDGET_USD = Decimal("0.05")
    SharedGate().enter(request("0.04"))
    assert told()["budget"]["day"] == {"usedUsd": 0.04, "limitUsd": 0.05}
    with pytest.raises(TooDear):
        SharedGate().enter(request("0.02"))
    assert (told()["status"], told()["code"]) == ("stopped", "budget_exhausted")
    SharedGate().enter(request("0.001"))
    assert told()["status"] == "ok"
    SharedGate().close(UpstreamError("No key.", code="invalid_key", retryable=False))
    assert told()["code"] == "invalid_key"
    page = admin_client.get("/admin/").content.decode()
    assert "stopped: invalid_key" in page
    form = {"paused": "on"}
    admin_client.post("/admin/ocr/readergate/1/change/", form)
    assert told()["code"] == "paused"
    admin_client.post("/admin/ocr/readergate/1/do/let_through/")
    assert ReaderGate.objects.get().closed_code == ""
    ledger = admin_client.get("/admin/ocr/modelcall/").content.decode()
    assert "up to 0.04" in ledger
    assert admin_client.get("/admin/ocr/batchjob/").status_code == 200

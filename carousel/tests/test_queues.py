"""Queues over the API and on the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from carousel.lib import counts, queues
from carousel.tests.asking import client_for
from carousel.tests.contract import QUEUE, keeps
from media_cache.models import CacheAsset
from ocr.models import Reading
from tiktok.models import ProfileMonitoringLog, TikTokProfile

pytestmark = pytest.mark.django_db


def make_assets(**by_status: int) -> None:
    CacheAsset.objects.bulk_create(
        CacheAsset(kind="image", source_key=f"{status}-{n}", status=status)
        for status, count in by_status.items()
        for n in range(count)
    )


def run(*args: str) -> str:
    out = StringIO()
    call_command("queues", *args, stdout=out)
    return out.getvalue()


def test_every_queue_is_told_with_all_its_numbers() -> None:
    make_assets(blocked=1, pending=2, running=3, completed=4, failed=5)
    CacheAsset.objects.filter(status="running").update(run_after=now() + timedelta(hours=1))
    CacheAsset.objects.filter(source_key="pending-1").update(
        run_after=now() - timedelta(minutes=2), priority=20
    )
    body = client_for("someone").get("/api/queues").json()
    assert [queue["name"] for queue in body["queues"]] == list(settings.QUEUES)
    keeps(body, {"queues": [QUEUE]})
    media, runs, _ = body["queues"]
    assert [media[name] for name in ("blocked", "pending", "running", "completed", "failed")] == [
        *(1, 2, 3, 4, 5)
    ]
    assert 119 <= media["oldestDueSeconds"] <= 180
    assert media["oldestDueAt"].endswith("Z")
    assert (runs["oldestDueAt"], runs["oldestDueSeconds"]) == (None, None)


def test_a_lease_that_ran_out_is_due_and_what_is_planned_is_not() -> None:
    make_assets(pending=1, running=1)
    CacheAsset.objects.filter(status="pending").update(run_after=now() + timedelta(hours=1))
    CacheAsset.objects.filter(status="running").update(run_after=now() - timedelta(seconds=30))
    assert 29 <= (queues.oldest_due()["media-cache"] or 0) <= 90


def test_clearing_is_for_staff_and_leaves_what_can_be_requeued() -> None:
    make_assets(pending=3, running=1)
    assert client_for("someone").post("/api/queues/media-cache/clear").status_code == 403
    boss = client_for("boss", staff=True)
    assert boss.post("/api/queues/media-cache/clear").json() == {"cleared": 3}
    assert CacheAsset.objects.filter(status="failed", error_code="cleared").count() == 3
    assert client_for("someone").post("/api/queues/media-cache/retry-failed").status_code == 403
    assert boss.post("/api/queues/media-cache/retry-failed").json() == {"requeued": 3}
    assert CacheAsset.objects.filter(status="pending", error_code="", attempts=0).count() == 3


def test_an_unknown_queue_is_404_and_the_known_ones_are_named() -> None:
    for action in ("clear", "retry-failed"):
        answer = client_for("boss", staff=True).post(f"/api/queues/nothing/{action}")
        assert answer.status_code == 404
        assert "profile-monitor" in answer.json()["detail"]


def test_only_a_profiles_newest_run_is_tried_again() -> None:
    def profile(n: int) -> TikTokProfile:
        return TikTokProfile.objects.create(tiktok_user_id=str(n), handle=f"p{n}")

    busy, idle = profile(1), profile(2)
    fine = profile(3)
    for whose, status in (
        *((busy, "failed"), (busy, "pending"), (idle, "failed"), (idle, "failed")),
        *((fine, "failed"), (fine, "completed")),
    ):
        ProfileMonitoringLog.objects.create(profile=whose, trigger="scheduled", status=status)
    newest = ProfileMonitoringLog.objects.filter(profile=idle).latest("created_at", "pk")
    assert queues.retry_failed("profile-monitor") == 1
    assert ProfileMonitoringLog.objects.get(profile=idle, status="pending").pk == newest.pk
    assert ProfileMonitoringLog.objects.filter(status="failed").count() == 3


def test_numbers_of_a_large_table_are_estimated_and_said_to_be() -> None:
    make_assets(completed=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE media_cache_cacheasset")
    exact = counts.count(CacheAsset.objects.all())
    assert (exact.value, exact.is_estimate) == (500, False)
    estimate = counts.count(CacheAsset.objects.all(), cheap=1.0)
    assert estimate.is_estimate
    assert 450 <= estimate.value <= 550


def test_the_command_shows_a_table_or_json_and_acts() -> None:
    make_assets(pending=2, failed=1)
    assert "media-cache" in run()
    told = json.loads(run("--json"))
    assert told["queues"][0]["pending"] == 2
    assert told["workers"].keys() == {*settings.QUEUES, "default"}
    assert run("--clear", "media-cache").strip() == "cleared 2"
    assert json.loads(run("--retry-failed", "media-cache", "--json")) == {"requeued": 3}
    with pytest.raises(CommandError, match="There is no queue 'x'"):
        run("--clear", "x")


def test_readings_have_a_queue_of_their_own() -> None:
    Reading.objects.create(status="blocked")
    (ocr,) = (queue for queue in queues.stats() if queue.name == "ocr")
    assert (ocr.blocked, ocr.is_estimate) == (1, False)


# --- Tokens --------------------------------------------------------------------------------


def token_command(*args: str) -> str:
    out = StringIO()
    call_command("create_token", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_token_is_printed_alone_and_works_until_it_is_revoked() -> None:
    first = token_command("robot")
    assert first == first.strip() + "\n"
    assert token_command("robot") == first
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {first.strip()}")
    assert api.get("/api/queues").status_code == 200
    assert token_command("robot", "--rotate") != first
    assert api.get("/api/queues").status_code == 401
    assert token_command("robot", "--revoke") == ""
    assert not Token.objects.exists()


def test_a_token_for_staff_may_clear_and_an_ordinary_one_never_takes_that_away() -> None:
    token_command("boss", "--staff")
    token_command("boss")
    boss: Any = get_user_model().objects.get(username="boss")
    assert boss.is_staff
    assert not boss.has_usable_password()


@pytest.mark.parametrize("name", ["", "a b", "x" * 200, "a\x00b"])
def test_a_name_that_can_not_be_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(CommandError) as caught:
        token_command(name)
    assert "\n" not in str(caught.value)

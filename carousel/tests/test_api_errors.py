"""Who may ask, and what goes wrong meanwhile: always JSON in words."""

from __future__ import annotations

import json
import socket
import time
import uuid
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.db import DataError, OperationalError
from django.test import Client, RequestFactory
from rest_framework.request import Request
from rest_framework.test import APIClient

from carousel.api.credentials import ApiRate
from carousel.api.errors import answer_error, problem_of
from carousel.lib.errors import NotNow, UpstreamError
from carousel.tests.asking import client_for, problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(db: None) -> APIClient:
    return client_for("someone")


# --- Who calls -----------------------------------------------------------------------------


def test_without_credentials_everything_but_health_is_401_and_says_how() -> None:
    for path in ("tiktok/posts", "queues", "schema", "docs", f"media/assets/{uuid.UUID(int=7)}"):
        answer = Client().get(f"/api/{path}")
        problem(answer, 401, "not_authenticated")
        assert answer["WWW-Authenticate"] == "Token"
    assert Client().get("/healthz").status_code == 200


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token nobody", "Token \x00", "Token é"])
def test_bad_tokens_are_401(header: str) -> None:
    answer = Client().get("/api/tiktok/posts", headers={"Authorization": header})
    problem(answer, 401, "authentication_failed")


def test_a_session_reads_freely_but_needs_its_csrf_token_to_write() -> None:
    user = get_user_model().objects.create(username="boss", is_staff=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get("/api/tiktok/posts").status_code == 200
    problem(client.post("/api/queues/ocr/clear"), 403, "csrf_failed")


def test_too_many_requests_are_429_with_the_time_to_wait(
    api: APIClient, empty_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: Any = django_settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    monkeypatch.setitem(rates, "user", "3/day")
    assert [api.get("/api/queues").status_code for _ in range(3)] == [200, 200, 200]
    answer = api.get("/api/queues")
    problem(answer, 429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 86_400


def test_without_redis_nobody_is_refused_and_only_one_has_to_wait(
    api: APIClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ApiRate, "trusting_until", 0.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mute = {**settings.CACHES["default"]}
        mute |= {
            "LOCATION": f"redis://127.0.0.1:{silent.getsockname()[1]}/0",
            "OPTIONS": {"socket_timeout": 0.3},
        }
        settings.CACHES = {"default": mute}
        assert api.get("/api/queues").status_code == 200
        started = time.monotonic()
        assert [api.get("/api/queues").status_code for _ in range(3)] == [200, 200, 200]
        assert time.monotonic() - started < 0.3


# --- What goes wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exc", "status", "code", "retry_after"),
    [
        (UpstreamError("no credits", code="out_of_credits", retryable=False), 402, None, None),
        (UpstreamError("no such @x", code="not_found", retryable=False), 404, None, None),
        (UpstreamError("slow", code="rate_limited", retryable=True, retry_after=7.2), 503, None, 8),
        (UpstreamError("late", code="timeout", retryable=True), 503, None, 60),
        (UpstreamError("odd", code="malformed_answer", retryable=False), 502, None, None),
        (UpstreamError("half", code="answer_truncated", retryable=True), 502, None, None),
        (UpstreamError("key", code="unauthorized", retryable=False), 502, None, None),
        (NotNow("our limit", wait=12.0), 503, None, 12),
        (OperationalError("gone"), 503, "database_unavailable", 5),
        (DataError("out of range"), 400, "invalid", None),
    ],
)
def test_what_others_do_to_us_is_told_in_the_right_status(
    exc: Exception, status: int, code: str | None, retry_after: int | None
) -> None:
    answer = problem_of(exc)
    assert answer is not None
    expected = {
        402: "out_of_credits",
        404: "not_found",
        502: "upstream_error",
        503: "upstream_unavailable",
    }
    assert (answer.status, answer.code) == (status, code or expected[status])
    assert answer.headers.get("Retry-After") == (str(retry_after) if retry_after else None)


def test_a_bug_is_a_500_without_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    request = Request(RequestFactory().get("/api/tiktok/posts"))
    answer = answer_error(RuntimeError("secret detail"), {"request": request})
    assert answer.status_code == 500
    assert answer.data["code"] == "error"
    assert "secret" not in json.dumps(answer.data)
    assert "secret detail" in caplog.text


def test_a_host_that_is_not_ours_is_400_in_json(api: APIClient) -> None:
    problem(api.get("/api/tiktok/posts", headers={"Host": "evil.example"}), 400, "invalid")

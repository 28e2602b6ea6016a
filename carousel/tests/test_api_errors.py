"""Whatever is asked, however wrongly: JSON in words, and never a 500."""

from __future__ import annotations

import json
import socket
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.db import DataError, OperationalError
from django.test import Client, RequestFactory
from rest_framework.authtoken.models import Token
from rest_framework.request import Request
from rest_framework.test import APIClient

from carousel.api.credentials import ApiRate
from carousel.api.errors import answer_error, problem_of
from carousel.lib.errors import NotNow, UpstreamError

pytestmark = pytest.mark.django_db
NOBODY = uuid.UUID(int=7)
LISTS = ("tiktok/posts", "tiktok/profiles", "tiktok/runs", "tiktok/categories")


@pytest.fixture
def token() -> str:
    user = get_user_model().objects.create(username="someone")
    return str(Token.objects.create(user=user).key)


@pytest.fixture
def api(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert len(body["detail"]) > 8
    return body


# --- Who calls -----------------------------------------------------------------------------


def test_without_credentials_everything_but_health_is_401_and_says_how() -> None:
    for path in ("tiktok/posts", "queues", "schema", "docs", f"media/assets/{NOBODY}"):
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


# --- What is asked -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/tiktok/posts/", "/api/%0A"]
)
def test_unknown_paths_are_404(api: APIClient, path: str) -> None:
    problem(api.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["put", "post", "delete", "patch"])
def test_other_methods_are_405(api: APIClient, method: str) -> None:
    problem(getattr(api, method)("/api/tiktok/posts"), 405, "method_not_allowed")


def test_options_and_head_are_answered(api: APIClient) -> None:
    assert api.head("/api/tiktok/posts").status_code == 200
    assert api.options("/api/tiktok/posts").status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "image/png", "nonsense", "application/xml;q=1"])
def test_who_accepts_no_json_gets_json(api: APIClient, accept: str) -> None:
    answer = api.get("/api/tiktok/posts?format=xml", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"", 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b'{"enabled": NaN}', 400),
        ("application/json", b'{"enabled": ' + b"9" * 5000 + b"}", 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b"[]", 400),
        ("application/json", b'"text"', 400),
        ("application/json", b"null", 400),
        ("application/json", b'{"enabled": true, "profileIds": ["\\ud800"]}', 400),
        ("application/json", b'{"enabled": true, "profileIds": ["\\u0000"]}', 400),
        ("application/json", b'{"enabled": true, "profileIds": {"a": 1}}', 400),
        ("application/json", b'{"enabled": true, "profileIds": []}', 400),
        ("application/json", b'{"enabled": true, "profileIds": ["a"], "surprise": 1}', 400),
        ("application/x-www-form-urlencoded", b"enabled=true", 415),
        ("multipart/form-data", b"enabled=true", 415),
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
    ],
)
def test_bodies_that_can_not_be_used_are_refused(
    api: APIClient, content_type: str, content: Any, status: int
) -> None:
    answer = api.generic(
        "PATCH", "/api/tiktok/profiles/bulk/monitoring", content, content_type=content_type
    )
    assert answer.status_code == status, answer.content
    assert {"detail", "code"} <= answer.json().keys()


def test_an_empty_form_does_not_count_as_a_no(api: APIClient) -> None:
    answer = api.generic(
        "PATCH",
        "/api/tiktok/profiles/bulk/monitoring",
        "",
        content_type="application/x-www-form-urlencoded",
    )
    assert "enabled" in problem(answer, 400, "invalid")["fields"]


def test_a_body_beyond_the_limit_is_413(api: APIClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = api.post("/api/tiktok/posts/bulk-ocr", {"postIds": ["x" * 90] * 20}, format="json")
    problem(answer, 413, "too_large")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=abc",
        "page=1e9",
        "pageSize=0",
        "pageSize=abc",
        f"page={'9' * 400}",
        f"page={'9' * 40_000}",
        "ordering=nonsense",
        "ordering=-",
        "ordering=id;drop",
    ],
)
def test_bad_paging_is_400_and_names_the_parameter(api: APIClient, path: str, query: str) -> None:
    fields = problem(api.get(f"/api/{path}?{query}"), 400, "invalid")["fields"]
    assert fields.keys() == {query.partition("=")[0]}


@pytest.mark.parametrize("path", LISTS)
def test_pages_beyond_the_last_are_404(api: APIClient, path: str) -> None:
    for number in (2, 10**6, 10**6 + 1, 2**62):
        problem(api.get(f"/api/{path}?page={number}"), 404, "not_found")


def test_more_results_than_fit_on_a_page_are_the_most_that_do(api: APIClient) -> None:
    users = [get_user_model().objects.create(username="unused")]
    assert users
    assert api.get("/api/tiktok/posts?pageSize=100000").status_code == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("tiktok/posts", "minViews=abc"),
        ("tiktok/posts", "minViews=-1"),
        ("tiktok/posts", f"minViews={2**63}"),
        ("tiktok/posts", "profileId=abc"),
        ("tiktok/posts", "categoryId=%00"),
        ("tiktok/posts", "contentType=gif"),
        ("tiktok/posts", "ocrStatus=done"),
        ("tiktok/posts", "publishedAfter=yesterday"),
        ("tiktok/posts", "publishedBefore=9999-12-31T23:59:59-14:00"),
        ("tiktok/posts", "search=%00"),
        ("tiktok/posts", "search=-only"),
        ("tiktok/posts", "search=" + "a" * 501),
        ("tiktok/posts", "search=" + "+".join("abcdefghijklmnopqrstuv")),
        ("tiktok/profiles", "monitoringEnabled=maybe"),
        ("tiktok/profiles", "search=a%00b"),
        ("tiktok/runs", "status=done"),
        ("tiktok/runs", "trigger=none"),
        ("tiktok/search", "q=%00"),
        ("tiktok/search", "q=-only"),
        ("tiktok/search", "q=%20"),
        ("tiktok/search", "slideType=none&q=a"),
        ("tiktok/search", ""),
    ],
)
def test_bad_filters_are_400_and_name_the_field(api: APIClient, path: str, query: str) -> None:
    fields = problem(api.get(f"/api/{path}?{query}"), 400, "invalid")["fields"]
    assert fields.keys() == {query.partition("=")[0] or "q"}


@pytest.mark.parametrize(
    "path",
    [
        *("tiktok/profiles/{}", "tiktok/profiles/{}/monitoring", "tiktok/profiles/{}/metrics"),
        *("tiktok/posts/{}", "tiktok/posts/{}/metrics", "media/assets/{}"),
    ],
)
@pytest.mark.parametrize("key", [str(NOBODY), "abc", "%00", "1" * 300, "%F0%9F%A6%84", "."])
def test_ids_of_nothing_are_404_and_are_named(api: APIClient, path: str, key: str) -> None:
    problem(api.get(f"/api/{path.format(key)}"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "profiles/{}/monitoring/trigger", {}),
        ("patch", "profiles/{}/monitoring", {"enabled": True}),
        ("patch", "profiles/{}", {"isOwnProfile": True}),
        ("delete", "profiles/{}", None),
        ("post", "posts/{}/ocr", {}),
        ("patch", "posts/{}/slides/0", {"text": "a"}),
        ("patch", "posts/{}/category", {"categoryId": None}),
        ("patch", "categories/{}", {"name": "a"}),
    ],
)
def test_writing_to_nothing_is_404(api: APIClient, method: str, path: str, body: Any) -> None:
    answer = getattr(api, method)(f"/api/tiktok/{path.format(NOBODY)}", body, format="json")
    problem(answer, 404, "not_found")


def test_hostile_strings_never_break_a_search(api: APIClient, shared: Path) -> None:
    lines = (shared / "corpora/strings/blns.txt").read_text(encoding="utf-8").splitlines()
    strings = [line for line in lines if line and not line.startswith("#")]
    assert len(strings) > 400
    for text in [
        *strings,
        '"',
        "-",
        '-"',
        "%",
        "_",
        "\\",
        "a\\",
        "***:a",
        "(?i)a",
        "'",
        "a' OR '1",
    ]:
        for path, name in (("posts", "search"), ("search", "q"), ("profiles", "search")):
            answer = api.get(f"/api/tiktok/{path}", {name: text})
            assert answer.status_code in (200, 400), (text, answer.content)


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

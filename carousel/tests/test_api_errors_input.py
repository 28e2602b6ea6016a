"""Whatever is asked, however wrongly: JSON in words, and never a 500."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from carousel.tests.asking import client_for, problem

pytestmark = pytest.mark.django_db
# Nothing but an operator of the query language, of LIKE, of tsquery or of regular expressions.
HOSTILE = ('"', "-", '-"', "%", "_", "\\", "a\\", "***:a", "(?i)a", "'", "a' OR '1", "a:*b", "[[:a")
NOBODY = uuid.UUID(int=7)
LISTS = ("tiktok/posts", "tiktok/profiles", "tiktok/runs", "tiktok/categories")


@pytest.fixture
def api(db: None) -> APIClient:
    return client_for("someone")


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
    for text in [*strings, *HOSTILE]:
        for path, name in (("posts", "search"), ("search", "q"), ("profiles", "search")):
            answer = api.get(f"/api/tiktok/{path}", {name: text})
            assert answer.status_code in (200, 400), (text, answer.content)

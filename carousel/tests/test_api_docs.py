"""The schema says what the code does, and can be browsed without the internet."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from carousel.tests.asking import client_for

pytestmark = pytest.mark.django_db

# The contract: method and path of every operation.
OPERATIONS = """
get /api/media/assets/{id}
get /api/queues
post /api/queues/{name}/clear
post /api/queues/{name}/retry-failed
get /api/tiktok/categories
get /api/tiktok/copies
get /api/tiktok/hooks
get /api/tiktok/patterns
patch /api/tiktok/categories/{id}
get /api/tiktok/posts
post /api/tiktok/posts/bulk-ocr
get /api/tiktok/posts/{id}
patch /api/tiktok/posts/{id}/category
get /api/tiktok/posts/{id}/metrics
post /api/tiktok/posts/{id}/ocr
patch /api/tiktok/posts/{id}/slides/{position}
get /api/tiktok/profiles
post /api/tiktok/profiles/add
patch /api/tiktok/profiles/bulk/monitoring
get /api/tiktok/profiles/{id}
patch /api/tiktok/profiles/{id}
delete /api/tiktok/profiles/{id}
get /api/tiktok/profiles/{id}/metrics
get /api/tiktok/profiles/{id}/monitoring
patch /api/tiktok/profiles/{id}/monitoring
post /api/tiktok/profiles/{id}/monitoring/trigger
get /api/tiktok/runs
get /api/tiktok/search
get /healthz
get /readyz
"""
FILES = {
    "text/csv",
    "application/x-ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/zip",
}


@pytest.fixture
def document() -> dict[str, Any]:
    answer = client_for("someone").get("/api/schema")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_it_is_made_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "s.yaml"))


def test_every_operation_of_the_contract_is_in_it(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(operations(document)) >= set(OPERATIONS.strip().splitlines())


def test_every_operation_has_words_a_body_and_its_errors(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert operation["summary"], name
        assert operation["description"], name
        answers = operation["responses"]
        assert any(status.startswith("2") for status in answers), name
        for status, answer in answers.items():
            is_file = status == "200" and name.endswith(("/export", "/archive"))
            wanted = set() if status == "204" else FILES if is_file else {"application/json"}
            assert set(answer.get("content", ())) <= wanted, (name, status)
            assert bool(answer.get("content")) == bool(wanted), (name, status)
        if "/api/" in name:
            assert {"401", "429"} <= answers.keys(), name
        if "{" in name:
            assert "404" in answers, name
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description") or parameter["schema"], (name, parameter)
        if "requestBody" in operation:
            assert {"400", "415"} <= answers.keys(), name
            bodies = ["application/json"]
            bodies += ["text/csv", "text/plain"] if name.endswith("/import") else []
            assert list(operation["requestBody"]["content"]) == bodies, name


def test_every_field_of_an_answer_is_required(document: dict[str, Any]) -> None:
    for name, shape in document["components"]["schemas"].items():
        if shape.get("type") == "object" and not re.search("Body|Patch|^Error$", name):
            assert set(shape["required"]) == set(shape["properties"]), name


def test_a_browser_without_a_session_is_sent_to_the_login() -> None:
    answer = Client().get("/api/docs", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/api/docs")


def test_the_pages_load_everything_from_here() -> None:
    client = Client()
    client.force_login(get_user_model().objects.create(username="boss", is_staff=True))
    answer = client.get("/api/docs")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "/api/schema" in page
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/static/"), source
        assert client.get(source).status_code == 200, source

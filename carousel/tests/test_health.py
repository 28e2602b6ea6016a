"""Health: always an answer, soon, and never a secret."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django_celery_beat.models import PeriodicTask

from carousel import heartbeat
from carousel.tasks import heartbeat as heartbeat_task
from carousel.tests.contract import READINESS, keeps

QUEUES = (*django_settings.QUEUES, "default")


def ready(client: Client) -> tuple[int, dict[str, Any], float]:
    started = time.monotonic()
    answer = client.get("/readyz")
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code, answer.json(), time.monotonic() - started


@pytest.fixture
def silence() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


def test_the_process_answers_without_looking_at_anything(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    answer = client.get("/healthz")  # no database here: the test would fail if it were asked
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db(transaction=True)
class TestReadiness:
    def test_without_workers_it_is_degraded_but_serves(
        self, client: Client, empty_redis: None
    ) -> None:
        status, body, _ = ready(client)
        assert status == 200, body
        keeps(body, READINESS)
        assert body["status"] == "degraded"
        assert {name: check["status"] for name, check in body["checks"].items()} == {
            "database": "ok",
            "broker": "ok",
            "storage": "ok",
            "workers": "missing",
            "calls": "ok",
            "reading": "ok",
        }
        assert body["checks"]["workers"]["lastSeen"] is None
        assert body["queues"] == {
            name: {"oldestDueSeconds": None} for name in django_settings.QUEUES
        }

    def test_with_every_queue_consumed_it_is_ok(self, client: Client, empty_redis: None) -> None:
        for queue in QUEUES:
            heartbeat_task.apply(args=(queue,))
        status, body, _ = ready(client)
        assert (status, body["status"]) == (200, "ok")
        keeps(body, READINESS)
        assert body["checks"]["workers"]["queues"].keys() == set(QUEUES)
        assert body["checks"]["workers"]["lastSeen"].endswith("Z")

    def test_a_queue_that_nobody_consumes_any_more_is_late_and_then_missing(
        self, client: Client, empty_redis: None
    ) -> None:
        for queue in QUEUES:
            heartbeat.beat(queue)
        server = redis.Redis.from_url(django_settings.REDIS_URL)
        for age, word in ((90, "late"), (3600, "missing")):
            server.hset(heartbeat.KEY, "ocr", str(time.time() - age))
            workers = ready(client)[1]["checks"]["workers"]
            assert workers["status"] == word
            assert workers["queues"]["ocr"]["status"] == word
            assert workers["queues"]["default"]["status"] == "ok"

    def test_a_dead_broker_is_503_at_once(self, client: Client, settings: Any) -> None:
        settings.REDIS_URL = "redis://:top-secret@127.0.0.1:9/0"
        status, body, seconds = ready(client)
        assert (status, body["status"]) == (503, "unavailable")
        keeps(body, READINESS)
        assert body["checks"]["broker"]["status"] == "failed"
        assert body["checks"]["database"]["status"] == "ok"
        assert "top-secret" not in json.dumps(body)
        assert seconds < 2

    def test_a_broker_that_hangs_is_503_within_five_seconds(
        self, client: Client, settings: Any, silence: int
    ) -> None:
        settings.REDIS_URL = f"redis://127.0.0.1:{silence}/0"
        status, body, seconds = ready(client)
        assert status == 503
        assert body["checks"]["broker"]["status"] in ("failed", "timeout")
        assert seconds < 5

    def test_a_database_that_hangs_is_503_within_five_seconds(
        self, client: Client, silence: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(silence))
        monkeypatch.setitem(connection.settings_dict, "PASSWORD", "top-secret")
        monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"connect_timeout": 4})
        status, body, seconds = ready(client)
        assert (status, body["checks"]["database"]["status"]) == (503, "timeout")
        assert body["checks"]["broker"]["status"] == "ok"
        assert body["queues"]["ocr"] == {"oldestDueSeconds": None}
        assert "top-secret" not in json.dumps(body)
        assert seconds < 5

    def test_a_folder_that_can_not_be_written_is_503(
        self, client: Client, settings: Any, tmp_path: Any
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        media = settings.STORAGES["media"]
        broken = {**media, "OPTIONS": {**media["OPTIONS"], "location": tmp_path / "file"}}
        settings.STORAGES = {**settings.STORAGES, "media": broken}
        status, body, _ = ready(client)
        assert (status, body["checks"]["storage"]["status"]) == (503, "failed")


@pytest.mark.django_db
def test_beat_puts_a_heartbeat_on_each_queue() -> None:
    ticks = PeriodicTask.objects.filter(task="carousel.tasks.heartbeat")
    assert {tick.queue for tick in ticks} == set(heartbeat.QUEUES)
    assert all(json.loads(tick.args) == [tick.queue] for tick in ticks)
    assert {tick.interval.every for tick in ticks} == {django_settings.HEARTBEAT_SECONDS}


@pytest.mark.django_db
def test_every_tick_names_a_registered_task_and_a_queue_that_workers_serve() -> None:
    current_app.loader.import_default_modules()
    ticks = PeriodicTask.objects.exclude(task__startswith="celery.")
    assert ticks.filter(task="media_cache.tasks.look_for_forgotten").exists()
    for tick in ticks:
        assert tick.task in current_app.tasks, tick
        assert tick.queue in heartbeat.QUEUES, tick


@pytest.mark.django_db(transaction=True)
def test_readiness_says_why_no_calls_are_made(
    client: Client, empty_redis: None, settings: Any
) -> None:
    from tiktok.models import ScraperGate

    settings.SCRAPECREATORS_DAILY_BUDGET = 0
    status, body, _ = ready(client)
    calls = body["checks"]["calls"]
    assert (status, body["status"]) == (200, "degraded")
    assert (calls["status"], calls["code"]) == ("stopped", "budget_exhausted")
    assert calls["budget"]["day"] == {"used": 0, "limit": 0}
    ScraperGate.objects.create(closed_code="out_of_credits", closed_reason="402")
    assert ready(client)[1]["checks"]["calls"]["code"] == "out_of_credits"

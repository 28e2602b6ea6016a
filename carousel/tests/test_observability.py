"""What reaches Sentry and the logs, and what never does. Sentry's own transport delivers."""

from __future__ import annotations

import io
import json
import logging
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sentry_sdk
from celery import current_app
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path

from carousel import observability
from carousel.lib.drain import Flow, drain
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.redaction import configured_redactor
from carousel.lib.reporting import set_job
from carousel.lib.work import Status
from carousel.tests import broken_tasks
from carousel.tests.envelopes import Recorder, recording
from media_cache.convert import MediaRejected
from media_cache.models import CacheAsset, Kind

API_KEY = "sc-key-5d41402abc4b2a76"


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(f"Could not fetch {broken_tasks.LINK} with {API_KEY}")


urlpatterns = [path("crash", crash)]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture
def configured_key(settings: Any) -> Iterator[str]:
    settings.SECRETS = (*settings.SECRETS, API_KEY)
    configured_redactor.cache_clear()
    yield API_KEY
    configured_redactor.cache_clear()


@pytest.fixture
def sentry(recorder: Recorder, settings: Any, configured_key: str) -> Iterator[Recorder]:
    """Sentry on in this process, delivering to the recorder; ``flush`` before looking."""
    settings.SENTRY_DSN = recorder.dsn
    settings.SENTRY_ENVIRONMENT = "testing"
    assert observability.start_sentry()
    yield recorder
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def assets(transactional_db: None) -> Callable[..., list[str]]:
    """Make pending rows; their key says how working on them goes wrong."""

    def make(*keys: str, **fields: Any) -> list[str]:
        rows = [CacheAsset(kind=Kind.IMAGE, source_key=key, **fields) for key in keys]
        return [str(row.pk) for row in CacheAsset.objects.bulk_create(rows)]

    return make


@pytest.mark.urls(__name__)
def test_a_crashing_page_is_reported_without_a_secret(sentry: Recorder, settings: Any) -> None:
    headers = {
        "Authorization": "Token tok-0123456789abcdef",
        "Cookie": "sessionid=cookie-0123456789",
    }
    environ = RequestFactory().get("/crash?api_key=query-0123456789", headers=headers).environ
    statuses: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[..., object]:
        statuses.append(status)
        return statuses.append

    WSGIHandler()(environ, start_response).close()
    assert statuses == ["500 Internal Server Error"]
    observability.flush()
    (event,) = sentry.of("RuntimeError")
    assert event["environment"] == "testing"
    assert event["release"] == settings.SENTRY_RELEASE
    assert event["request"]["url"].endswith("/crash")
    assert "user" not in event
    for secret in (API_KEY, "cookie-0123456789", "tok-0123456789", "query-0123456789", "c2lnbmF0"):
        assert secret.encode() not in sentry.raw


def test_what_others_answer_is_no_event(sentry: Recorder) -> None:
    sentry_sdk.capture_exception(UpstreamError("404", code="not_found", retryable=False))
    sentry_sdk.capture_exception(NotNow("budget", wait=5))
    sentry_sdk.capture_exception(ValueError("ours"))
    observability.flush()
    assert [e["exception"]["values"][-1]["type"] for e in sentry.events] == ["ValueError"]


def test_a_bug_in_a_lane_is_reported_once_with_its_row(
    sentry: Recorder, assets: Callable[..., list[str]]
) -> None:
    (bug, *_) = assets("bug", "missing", "heic")
    with pytest.raises(ZeroDivisionError) as raised:
        drain(Flow(CacheAsset, broken_tasks.go_wrong, lanes=4))
    sentry_sdk.capture_exception(raised.value)  # as Celery's integration does next
    observability.flush()
    (event,) = sentry.of("ZeroDivisionError")
    assert event["tags"]["row.id"] == bug
    assert event["tags"]["queue"] == "media-cache"
    assert event["contexts"]["rows"]["ids"] == [bug]
    (event,) = sentry.of("Unconvertible")
    assert event["tags"]["media.error_code"] == "heic_damaged"
    assert len(sentry.events) == 2
    assert b"c2lnbmF0" not in sentry.raw
    assert "c2lnbmF0" not in CacheAsset.objects.get(pk=bug).error


@pytest.mark.parametrize(("code", "told"), [("decode_failed", 1), ("not_media", 0)])
def test_a_picture_that_could_not_be_decoded_is_reported(
    sentry: Recorder, assets: Callable[..., list[str]], code: str, told: int
) -> None:
    assets("picture")

    def step(rows: list[CacheAsset]) -> None:
        raise MediaRejected(code, "The HEIC's second tile is damaged.")

    CacheAsset.objects.update(attempts=CacheAsset.MAX_ATTEMPTS - 1)
    drain(Flow(CacheAsset, step))
    observability.flush()
    assert [event["tags"]["media.error_code"] for event in sentry.events] == [code] * told


def test_a_file_that_may_yet_be_converted_is_not_reported(
    sentry: Recorder, assets: Callable[..., list[str]]
) -> None:
    assets("heic")

    def step(rows: list[CacheAsset]) -> None:
        raise broken_tasks.Unconvertible("Out of memory.", code="heic_memory", retryable=True)

    drain(Flow(CacheAsset, step))
    observability.flush()
    assert sentry.events == []
    rows = CacheAsset.objects.filter(status=Status.PENDING)
    assert rows.update(run_after="2020-01-01T00:00Z", attempts=CacheAsset.MAX_ATTEMPTS - 1) == 1
    drain(Flow(CacheAsset, step))
    observability.flush()
    assert [e["tags"]["media.error_code"] for e in sentry.events] == ["heic_memory"]


@dataclass
class Worker:
    """A real worker with Sentry and JSON logs, started when it is first given a row."""

    start: Callable[[], Any]
    make: Callable[..., list[str]]
    process: Any = None

    def work_on(self, key: str) -> str:
        """Have it work on a new row; returns the row's id."""
        self.process = self.process or self.start()
        (pk,) = self.make(key)
        current_app.send_task("media_cache.tasks.go_wrong", [[pk]], queue="media-cache")
        return pk

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@pytest.fixture
def worker(
    recorder: Recorder, assets: Callable[..., list[str]], empty_redis: None, start_worker: Any
) -> Worker:
    settings = "carousel.tests.broken_settings"
    env = {"DJANGO_SETTINGS_MODULE": settings, "SENTRY_DSN": recorder.dsn, "LOG_FORMAT": "json"}
    return Worker(lambda: start_worker("media-cache", **env), assets)


def test_a_worker_reports_with_its_job_and_empties_its_queue_when_stopped(
    capfd: Any, recorder: Recorder, worker: Worker, eventually: Any
) -> None:
    recorder.delay = 0.5  # so that the last event still waits when the worker is told to stop
    broken, heic = worker.work_on("bug"), worker.work_on("heic")
    failed = CacheAsset.objects.filter(pk__in=[broken, heic], status=Status.FAILED)
    eventually(lambda: failed.count() == 2)
    worker.stop()

    (event,) = recorder.of("ZeroDivisionError")
    tags = {"row.id": broken, "row.model": "media_cache.CacheAsset", "queue": "media-cache"}
    assert event["tags"].items() >= tags.items()
    assert event["contexts"]["job"]["rows"] == [broken]
    assert event["tags"]["task_id"] == event["contexts"]["job"]["id"]
    (event,) = recorder.of("Unconvertible")
    assert event["tags"]["media.error_code"] == "heic_damaged"
    assert event["contexts"]["row"]["what"] == "image heic"
    assert b"c2lnbmF0" not in recorder.raw

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line[:1] == "{"]
    (line,) = [line for line in lines if line.get("rows") == broken and line["level"] == "INFO"]
    assert line["message"] == "Fetching https://cdn.example/a.heic?[redacted]"
    names = {"task": "media_cache.tasks.go_wrong", "model": "media_cache.CacheAsset"}
    assert line.items() >= names.items()
    assert line["task_id"] in [e["tags"]["task_id"] for e in recorder.of("ZeroDivisionError")]


def test_a_killed_worker_is_reported_with_its_job(
    recorder: Recorder, worker: Worker, eventually: Any
) -> None:
    killed = worker.work_on("kill")
    eventually(lambda: recorder.of("WorkerLostError") != [])
    (event,) = recorder.of("WorkerLostError")
    assert event["contexts"]["job"]["rows"] == [killed]
    assert event["tags"]["task"] == "media_cache.tasks.go_wrong"


@pytest.fixture
def logged() -> Iterator[Callable[[str], tuple[logging.Logger, io.StringIO]]]:
    """A logger that writes into a string with one of our formatters."""
    logger = logging.getLogger("carousel.tests.logged")
    logger.propagate = False
    stream = io.StringIO()

    def make(kind: str) -> tuple[logging.Logger, io.StringIO]:
        handler = logging.StreamHandler(stream)
        formatters = {"json": observability.JsonFormatter, "text": observability.TextFormatter}
        handler.setFormatter(formatters[kind]())
        logger.handlers = [handler]
        return logger, stream

    yield make
    logger.handlers = []
    set_job()


@pytest.mark.parametrize("kind", ["json", "text"])
def test_log_lines_name_the_job_and_hold_no_secret(
    kind: str, configured_key: str, logged: Callable[[str], Any]
) -> None:
    logger, stream = logged(kind)
    set_job(queue="ocr", task="ocr.tasks.read", task_id="t-1")
    try:
        raise RuntimeError(f"{broken_tasks.LINK} refused {configured_key}")
    except RuntimeError:
        logger.exception("Asked %s", broken_tasks.LINK, extra={"credits": 7, "api_key": "k" * 9})
    text = stream.getvalue()
    for secret in (configured_key, "c2lnbmF0", "k" * 9):
        assert secret not in text
    assert "t-1" in text
    assert "RuntimeError" in text
    if kind == "json":
        (line,) = [json.loads(line) for line in text.splitlines()]
        assert (line["queue"], line["task"], line["credits"]) == ("ocr", "ocr.tasks.read", 7)
        assert (line["level"], line["logger"]) == ("ERROR", "carousel.tests.logged")


def test_without_a_dsn_nothing_starts(settings: Any) -> None:
    assert settings.SENTRY_DSN == ""
    assert observability.start_sentry() is False

"""Is the process alive, and can it serve? Public, so without secrets and versions.

Every check runs beside the others and is given up after a moment, so an answer always comes. A
check that hangs is not started a second time while it does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from django.db import connection, connections
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel import heartbeat
from carousel.api.openapi import operation
from carousel.api.times import iso
from carousel.lib import queues
from media_cache.storage import media_storage
from ocr.services import reading_stopped, spending
from tiktok.services import budgets, calls_stopped

logger = logging.getLogger(__name__)

PATIENCE = 3.0  # seconds
NO_STORE = {"Cache-Control": "no-store"}
VITAL = ("database", "broker", "storage")

Report = dict[str, Any]
_under_way: dict[str, Future[Report]] = {}
_lock = threading.Lock()


class HealthSerializer(serializers.Serializer[Any]):
    """One word."""

    status = serializers.ChoiceField(choices=["ok"])


class QueueAgeSerializer(serializers.Serializer[Any]):
    """How long the row that is longest due has been waiting."""

    oldestDueSeconds = serializers.FloatField(allow_null=True)


class ReadinessSerializer(serializers.Serializer[Any]):
    """What can be reached, and how old the oldest due work is."""

    status = serializers.ChoiceField(choices=["ok", "degraded", "unavailable"])
    checks = serializers.DictField(
        child=serializers.DictField(),
        help_text="`database`, `broker`, `storage`, `workers`, `calls` and `reading`, each with "
        "its `status`; `workers` with `lastSeen`, also for each queue; `calls` (to ScrapeCreators) "
        "is `stopped` with a `code` such as `out_of_credits`, and shows what is used of each "
        "`budget`; so does `reading` (`paused`, `budget_exhausted`, or a code of the service).",
    )
    queues = serializers.DictField(child=QueueAgeSerializer())


class PublicView(APIView):
    """Open to everybody, at any rate."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()


class HealthView(PublicView):
    """Liveness."""

    @operation("health", "Is the process up?", answers={200: HealthSerializer}, tag="health")
    def get(self, request: Request) -> Response:
        """Looks at nothing else."""
        return Response({"status": "ok"}, headers=NO_STORE)


class ReadinessView(PublicView):
    """Readiness."""

    @operation(
        "readiness",
        "Can requests be served?",
        answers={200: ReadinessSerializer, 503: ReadinessSerializer},
        tag="health",
    )
    def get(self, request: Request) -> Response:
        """503 if database, broker or storage fail. Without workers, or while no call may be made,
        it is only `degraded`."""
        body = readiness()
        status = 503 if body["status"] == "unavailable" else 200
        return Response(body, status=status, headers=NO_STORE)


def readiness() -> Report:
    """What each check says, in one word and in many."""
    checks = check()
    ages = checks["database"].pop("queues", dict.fromkeys(queues.names()))
    if any(checks[name]["status"] != "ok" for name in VITAL):
        status = "unavailable"
    else:
        well = all(checks[name]["status"] == "ok" for name in ("workers", "calls", "reading"))
        status = "ok" if well else "degraded"
    return {
        "status": status,
        "checks": checks,
        "queues": {name: {"oldestDueSeconds": age} for name, age in ages.items()},
    }


def check() -> dict[str, Report]:
    """What each check says, within ``PATIENCE`` seconds."""
    ends = time.monotonic() + PATIENCE
    running = {name: _start(name, function) for name, function in CHECKS.items()}
    wait(running.values(), timeout=max(0.0, ends - time.monotonic()))
    return {
        name: dict(future.result()) if future.done() else {"status": "timeout", **EMPTY[name]}
        for name, future in running.items()
    }


def _start(name: str, function: Callable[[], Report]) -> Future[Report]:
    with _lock:
        future = _under_way.get(name)
        if future is None or future.done():
            future = _under_way[name] = Future()
            arguments = (name, function, future)
            threading.Thread(target=_run, args=arguments, name=f"check-{name}", daemon=True).start()
        return future


def _run(name: str, function: Callable[[], Report], future: Future[Report]) -> None:
    started = time.monotonic()
    try:
        report = {"status": "ok", **function()}
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is what the check is there to tell
        logger.warning("The check of the %s failed: %s", name, type(exc).__name__)
        report = {"status": "failed", **EMPTY[name], "error": type(exc).__name__}
    report["milliseconds"] = round(1000 * (time.monotonic() - started), 1)
    future.set_result(report)


def _database() -> Report:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 2000")
        return {"queues": queues.oldest_due()}
    finally:
        connections.close_all()  # this thread's own


def _broker() -> Report:
    heartbeat.ping()
    return {}


def _storage() -> Report:
    media_storage().check()
    return {}


def _workers() -> Report:
    pulses = heartbeat.pulses()
    seen = [pulse.last_seen for pulse in pulses.values() if pulse.last_seen]
    return {
        "status": heartbeat.worst(pulses),
        "lastSeen": iso(max(seen, default=None)),
        "queues": {
            queue: {"status": pulse.status, "lastSeen": iso(pulse.last_seen)}
            for queue, pulse in pulses.items()
        },
    }


def _calls() -> Report:
    try:
        stopped = calls_stopped()
        return {
            "status": "stopped" if stopped else "ok",
            "code": stopped.code if stopped else "",
            "budget": {
                budget.period.value: {"used": budget.used, "limit": budget.limit}
                for budget in budgets()
            },
        }
    finally:
        connections.close_all()  # this thread's own


def _reading() -> Report:
    try:
        stopped, now = reading_stopped(), spending()
        return {
            "status": "stopped" if stopped else "ok",
            "code": stopped.code if stopped else "",
            "budget": {"day": {"usedUsd": now.committed, "limitUsd": now.budget}},
        }
    finally:
        connections.close_all()  # this thread's own


CHECKS: dict[str, Callable[[], Report]] = {
    "database": _database,
    "broker": _broker,
    "storage": _storage,
    "workers": _workers,
    "calls": _calls,
    "reading": _reading,
}
EMPTY: dict[str, Report] = {
    "database": {},
    "broker": {},
    "storage": {},
    "workers": {"lastSeen": None, "queues": {}},
    "calls": {"code": "", "budget": {}},
    "reading": {"code": "", "budget": {}},
}

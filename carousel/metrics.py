"""``/metrics``: the numbers by which Prometheus watches an installation.

Each scrape costs a few indexed looks into the database and two round trips to Redis, however many
rows there are. A part that can't be had is left out, and ``carousel_part_up`` says so.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.views import APIView

from carousel import VERSION, heartbeat
from carousel.api.credentials import ApiToken
from carousel.lib import queues
from carousel.lib.durations import BOUNDS, durations
from carousel.lib.exposition import CONTENT_TYPE, Family, Sample, histogram, render
from tiktok.models import ApiCall
from tiktok.services import budgets, calls_stopped

logger = logging.getLogger(__name__)

STATEMENT_MS = 5000  # milliseconds for one statement
PAGES = 4096  # of 8 KiB: more of the files' table than that is judged by a sample

CALLS = """
SELECT endpoint, coalesce(http_status::text, error_code), count(*)
FROM tiktok_apicall
WHERE started_at >= date_trunc('day', statement_timestamp(), 'UTC') AND error_code <> 'in_flight'
GROUP BY 1, 2 ORDER BY 1, 2
"""
FILES = """
SELECT kind, count(*), coalesce(sum(byte_size), 0)
FROM media_cache_cacheasset {sample} WHERE status = 'completed' GROUP BY kind ORDER BY kind
"""


class Scraper:
    """Whoever knows METRICS_TOKEN; it can do nothing else."""

    is_authenticated = True
    is_staff = False
    pk = None


class MetricsToken(BaseAuthentication):
    """``Authorization: Bearer <METRICS_TOKEN>``."""

    def authenticate(self, request: Request) -> tuple[Scraper, str] | None:
        """The scraper; None if another kind of credentials was sent. Raises for a wrong token."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        wanted = settings.METRICS_TOKEN
        if wanted and hmac.compare_digest(token.strip().encode(), wanted.encode()):
            return Scraper(), "metrics"
        raise AuthenticationFailed("Invalid token.")

    def authenticate_header(self, request: Request) -> str:
        """So that an answer without credentials is 401."""
        return "Bearer"


class MetricsView(APIView):
    """What Prometheus scrapes."""

    authentication_classes = (MetricsToken, ApiToken, SessionAuthentication)
    throttle_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Every number, as text."""
        page = render(families())
        return HttpResponse(page, content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def families() -> list[Family]:
    """Everything that can be had now."""
    found = [_gauge("carousel_info", "What runs.", [Sample(1, {"version": VERSION})])]
    up = []
    for name, part in PARTS.items():
        try:
            found += part()
            up.append(Sample(1, {"part": name}))
        except (DatabaseError, InterfaceError, RedisError, OSError) as exc:
            logger.warning("No metrics of %s: %s", name, type(exc).__name__)
            up.append(Sample(0, {"part": name}))
    return [*found, _gauge("carousel_part_up", "1: this part of the page could be had.", up)]


def _work() -> list[Family]:
    rows = [
        Sample(number, {"queue": model.QUEUE, "model": model._meta.label, "status": status})
        for model in queues.work_models()
        for status, number in sorted(queues.counts_of(model)[0].items())
    ]
    due = [Sample(age or 0.0, {"queue": queue}) for queue, age in queues.oldest_due().items()]
    return [
        _gauge(
            "carousel_work_rows",
            "Work rows; of many, completed and blocked ones are estimates.",
            rows,
        ),
        _gauge(
            "carousel_work_oldest_due_seconds",
            "For how long the row that is longest due could have been started.",
            due,
        ),
    ]


def _durations() -> list[Family]:
    samples: list[Sample] = []
    for label, found in durations().items():
        samples += histogram({"model": label}, BOUNDS, found.counts, found.seconds)
    what = "For how long rows were worked on at a time, since Redis was last empty."
    return [Family("carousel_work_duration_seconds", "histogram", what, tuple(samples))]


def _workers() -> list[Family]:
    pulses = heartbeat.pulses()
    seen = [
        Sample(pulse.last_seen.timestamp(), {"queue": queue})
        for queue, pulse in pulses.items()
        if pulse.last_seen
    ]
    consumed = [
        Sample(pulse.status != "missing", {"queue": queue}) for queue, pulse in pulses.items()
    ]
    return [
        _gauge("carousel_queue_consumed", "1: a worker takes messages from this queue.", consumed),
        _gauge(
            "carousel_queue_last_consumed_timestamp_seconds",
            "When a worker last took a heartbeat from this queue.",
            seen,
        ),
    ]


def _calls() -> list[Family]:
    with connection.cursor() as cursor:
        cursor.execute(CALLS)
        made = [
            Sample(n, {"endpoint": path, "status": word}) for path, word, n in cursor.fetchall()
        ]
    latest = ApiCall.objects.exclude(credits_remaining=None).order_by("-started_at")
    left = list(latest.values_list("credits_remaining", flat=True)[:1])
    unsettled = ApiCall.objects.filter(credits=None).count()
    periods = budgets()
    return [
        Family(
            "carousel_upstream_calls_total",
            "counter",
            "Paid calls to ScrapeCreators since midnight UTC, by HTTP status or error.",
            tuple(made),
        ),
        _gauge(
            "carousel_credits_left",
            "As the last answer said.",
            [Sample(n) for n in left if n is not None],
        ),
        _gauge(
            "carousel_credits_counted",
            "Credits of this period's calls, at the worst price while that is unknown.",
            [Sample(each.used, {"period": each.period}) for each in periods],
        ),
        _gauge(
            "carousel_credits_budget",
            "What may be spent in this period; missing without a limit.",
            [Sample(e.limit, {"period": e.period}) for e in periods if e.limit is not None],
        ),
        _gauge(
            "carousel_upstream_calls_unsettled",
            "Calls under way, and those of which it is unknown whether they were billed.",
            [Sample(unsettled)],
        ),
        _gauge("carousel_upstream_stopped", "1: no paid call is made.", [Sample(_is_stopped())]),
    ]


def _is_stopped() -> bool:
    return calls_stopped() is not None


def _files() -> list[Family]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('media_cache_cacheasset') / 8192")
        pages = int(cursor.fetchone()[0])
        share = min(1.0, PAGES / pages) if pages else 1.0
        # REPEATABLE: from scrape to scrape the same pages are looked at.
        sample = "" if share == 1.0 else f"TABLESAMPLE SYSTEM ({100 * share:.6f}) REPEATABLE (1)"
        cursor.execute(FILES.format(sample=sample))
        found = cursor.fetchall()
    return [
        _gauge(
            "carousel_media_files",
            "Files kept; of many, an estimate from a sample.",
            [Sample(round(count / share), {"kind": kind}) for kind, count, _ in found],
        ),
        _gauge(
            "carousel_media_bytes",
            "Their bytes, each row by itself though the same bytes are one object.",
            [Sample(round(int(size) / share), {"kind": kind}) for kind, _, size in found],
        ),
    ]


def _gauge(name: str, words: str, samples: Sequence[Sample]) -> Family:
    return Family(name, "gauge", words, tuple(samples))


def _bounded(part: Callable[[], list[Family]]) -> Callable[[], list[Family]]:
    """The part, in a transaction in which no statement takes long."""

    def collect() -> list[Family]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
            return part()

    return collect


PARTS: dict[str, Callable[[], list[Family]]] = {
    "work": _bounded(_work),
    "durations": _durations,
    "workers": _workers,
    "calls": _bounded(_calls),
    "files": _bounded(_files),
}

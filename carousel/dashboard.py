"""What the admin's front page shows: queues, workers, credits, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.db.models import Sum
from django.urls import reverse

from carousel import heartbeat
from carousel.heartbeat import Pulse
from carousel.lib import queues
from carousel.lib.queues import QueueStats
from carousel.lib.work import Work
from ocr.services import reading_stopped, spending
from tiktok.models import ApiCall, ScraperGate
from tiktok.services import budgets, calls_stopped

NO_PULSE = Pulse("unknown", None)


@dataclass(frozen=True, slots=True)
class Link:
    """An address in the admin and what it is called."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue: its numbers, its workers, and lists of its rows and of its failed ones."""

    stats: QueueStats
    pulse: Pulse
    lists: list[Link]
    failed: list[Link]


@dataclass(frozen=True, slots=True)
class Credits:
    """What is left of the account as the last answer said, and what today's calls cost."""

    left: int | None
    as_of: datetime | None
    spent_today: int


def panel() -> dict[str, Any]:
    """Everything on the front page; what can't be reached is said to be unknown."""
    try:
        pulses = heartbeat.pulses()
    except redis.RedisError:
        pulses = {}
    return {
        "queues": [_row(stats, pulses) for stats in queues.stats()],
        "broker_answers": bool(pulses),
        "credits": credits(),
        "budgets": budgets(),
        "stopped": calls_stopped(),
        "unsettled": ApiCall.objects.filter(credits=None).count(),
        "reading_stopped": reading_stopped(),
        "reading_spent": spending(),
        "gate": ScraperGate.objects.filter(pk=ScraperGate.ONLY).first(),
    }


def credits() -> Credits:
    """From the ledger."""
    calls = ApiCall.objects.exclude(credits_remaining=None).order_by("-started_at")
    latest = calls.values_list("credits_remaining", "started_at").first()
    left, as_of = latest or (None, None)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = ApiCall.objects.filter(started_at__gte=midnight).aggregate(spent=Sum("credits"))
    return Credits(left, as_of, today["spent"] or 0)


def _row(stats: QueueStats, pulses: dict[str, Pulse]) -> QueueRow:
    models = queues.models_of(stats.name)
    lists = [Link(str(model._meta.verbose_name_plural), _list(model)) for model in models]
    failed = [Link(link.label, f"{link.address}?status__exact=failed") for link in lists]
    return QueueRow(stats, pulses.get(stats.name, NO_PULSE), lists, failed)


def _list(model: type[Work]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

"""What waits, runs and failed, by queue. Knows every kind of work row, and none by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, QuerySet

from carousel.lib import counts
from carousel.lib.drain import wake
from carousel.lib.work import OPEN, Priority, Status, Work, WorkQuerySet

AT_ONCE = 1000  # rows

# One look into the index of open rows per status and priority, however many rows there are.
OLDEST = """
SELECT min(first.run_after), statement_timestamp()
FROM unnest(%(statuses)s::text[]) AS wanted (status)
CROSS JOIN unnest(%(priorities)s::smallint[]) AS level (priority)
CROSS JOIN LATERAL (
    SELECT run_after FROM {table}
    WHERE status = wanted.status AND status IN ('pending', 'running')
      AND priority = level.priority AND run_after <= statement_timestamp()
    ORDER BY run_after LIMIT 1
) AS first
"""

Retry = Callable[[QuerySet[Any]], int]
_retries: dict[type[Work], Retry] = {}


class UnknownQueue(LookupError):
    """There is no queue of this name; the message says which there are."""


@dataclass(frozen=True, slots=True)
class QueueStats:
    """One queue. ``oldest_due_*``: since when the row that is longest due could have started.

    ``is_estimate``: blocked and completed rows were not counted but taken from the statistics.
    """

    name: str
    blocked: int
    pending: int
    running: int
    completed: int
    failed: int
    oldest_due_at: datetime | None
    oldest_due_seconds: float | None
    is_estimate: bool


def retry_with(model: type[Work], retry: Retry) -> None:
    """Let ``retry`` requeue failed rows of ``model``, where that takes more than a new start.

    It gets the failed rows and returns how many it queued. An app calls this when it is ready.
    """
    _retries[model] = retry


def work_models() -> list[type[Work]]:
    """Every kind of work row, by queue and then by name."""
    models = [model for model in apps.get_models() if issubclass(model, Work)]
    order = {name: place for place, name in enumerate(settings.QUEUES)}
    return sorted(models, key=lambda model: (order.get(model.QUEUE, len(order)), model.__name__))


def models_of(name: str) -> list[type[Work]]:
    """The kinds of row that a queue carries. Raises UnknownQueue."""
    if models := [model for model in work_models() if name == model.QUEUE]:
        return models
    raise UnknownQueue(f"There is no queue {name[:80]!r}. There is: {', '.join(names())}.")


def names() -> list[str]:
    """The queues that carry work rows."""
    return list(dict.fromkeys(model.QUEUE for model in work_models()))


def stats() -> list[QueueStats]:
    """All queues. The cost depends on what is open and failed, not on how much was completed."""
    return [_stats_of(name) for name in names()]


def oldest_due() -> dict[str, float | None]:
    """By queue, for how many seconds the row that is longest due has been waiting."""
    return {name: _age(*_oldest(models_of(name))) for name in names()}


def clear(name: str) -> int:
    """Turn pending rows into failed ones with code ``cleared``; returns how many.

    Raises UnknownQueue.
    """
    return sum(_rows(model).clear() for model in models_of(name))


def retry_failed(name: str) -> int:
    """Queue the failed rows once more; returns how many. Raises UnknownQueue.

    A row whose place another one has taken meanwhile (one open run per profile) stays failed.
    """
    return sum(retry(_rows(model)) for model in models_of(name))


def retry(rows: QuerySet[Any]) -> int:
    """Queue those of ``rows``, all of one model, that failed; returns how many."""
    return _retries.get(rows.model, requeue)(rows.filter(status=Status.FAILED))


def _rows(model: type[Work]) -> WorkQuerySet[Any]:
    return cast("WorkQuerySet[Any]", model.objects.all())


def requeue(failed: QuerySet[Any]) -> int:
    """Queue failed rows, the newest first, and wake workers; returns how many.

    Many at once; one by one where a constraint is in the way.
    """
    total = 0
    for ids in _batches(failed):
        rows = _rows(failed.model).filter(pk__in=ids, status=Status.FAILED)
        try:
            with transaction.atomic():
                total += rows.requeue()
            wake(failed.model, ids)
        except IntegrityError:
            total += sum(_requeue_one(failed.model, pk) for pk in ids)
    return total


def _requeue_one(model: type[Work], pk: Any) -> int:
    try:
        with transaction.atomic():
            queued = _rows(model).filter(pk=pk, status=Status.FAILED).requeue()
            wake(model, [pk])
            return queued
    except IntegrityError:
        return 0


def _batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    ids = list(rows.order_by("-created_at", "-pk").values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _stats_of(name: str) -> QueueStats:
    models = models_of(name)
    found = [counts_of(model) for model in models]
    oldest, now = _oldest(models)

    def total(status: str) -> int:
        return sum(by_status.get(status, 0) for by_status, _ in found)

    return QueueStats(
        name=name,
        blocked=total(Status.BLOCKED),
        pending=total(Status.PENDING),
        running=total(Status.RUNNING),
        completed=total(Status.COMPLETED),
        failed=total(Status.FAILED),
        oldest_due_at=oldest,
        oldest_due_seconds=_age(oldest, now),
        is_estimate=any(estimated for _, estimated in found),
    )


def counts_of(model: type[Work]) -> tuple[dict[str, int], bool]:
    """Rows by status, and whether some are estimates. Open and failed ones are in indexes."""
    rows = _rows(model)
    by_status = dict(
        rows.filter(status__in=OPEN).order_by().values_list("status").annotate(Count("pk"))
    )
    by_status[Status.FAILED] = rows.filter(status=Status.FAILED).count()
    blocked = counts.count(rows.filter(status=Status.BLOCKED))
    everything = counts.count(rows)
    by_status[Status.BLOCKED] = blocked.value
    by_status[Status.COMPLETED] = max(0, everything.value - sum(by_status.values()))
    return by_status, blocked.is_estimate or everything.is_estimate


def _oldest(models: list[type[Work]]) -> tuple[datetime | None, datetime]:
    """Since when the row that is longest due has been so, and the database's time."""
    found: list[datetime] = []
    now = datetime.now(UTC)
    with connection.cursor() as cursor:
        for model in models:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(
                OLDEST.format(table=table),
                {"statuses": list(OPEN), "priorities": [level.value for level in Priority]},
            )
            oldest, now = cursor.fetchone()
            if oldest is not None:
                found.append(oldest)
    return min(found, default=None), now


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, round((now - since).total_seconds(), 1))

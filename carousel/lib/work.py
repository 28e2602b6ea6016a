"""Work rows: the database is the queue, Celery is the messenger.

Every long job is a row that inherits ``Work``. One column, ``run_after``, is schedule, back-off,
lease and proof of ownership: a pending row may start once it has passed, a running row belongs
to whoever wrote it until it has passed. Messages carry ids and are only hints; whoever is awake
claims what is due (see ``carousel.lib.drain``). All times come from the database's clock, so
workers whose clocks disagree still agree on who owns a row.

The life of a row::

    blocked --unblock--> pending --claim--> running --finish--> completed
                            ^                  |----fail-----> failed (a person may requeue it)
                            '--postpone, fail--'
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connections, models, router
from django.db.models import F, Q
from django.db.models.functions import Now

from carousel.lib.database import persist
from carousel.lib.ids import uuid7
from carousel.lib.update import update

W = TypeVar("W", bound="Work")


class Status(models.TextChoices):
    BLOCKED = "blocked"  # waits for another row, or for a fresh link
    PENDING = "pending"  # may be picked up once run_after has passed
    RUNNING = "running"  # leased until run_after
    COMPLETED = "completed"
    FAILED = "failed"  # needs a person


OPEN = (Status.PENDING, Status.RUNNING)


class Priority(models.IntegerChoices):
    PERSON = 0  # somebody waits for it
    SCHEDULE = 10
    BACKLOG = 20


# The subselect locks what it picks and skips what others hold, so each row goes to one claimer.
# It must be materialized: inlined, the planner may run it once per row and claim past the limit.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM {table}
    WHERE status = %(status)s AND run_after <= statement_timestamp() {which}
    ORDER BY priority, run_after, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE {table} AS work
SET status = 'running', attempts = work.attempts + 1, started_at = statement_timestamp(),
    run_after = statement_timestamp() + %(lease)s
FROM due WHERE work.id = due.id
RETURNING work.*
"""


class WorkQuerySet(models.QuerySet[W]):
    """Sets of work rows. Everything here is safe to do twice and from many processes."""

    def due(self) -> Self:
        """Rows that somebody should pick up now, forgotten leases included."""
        return self.filter(status__in=OPEN, run_after__lte=Now())

    def claim(self, limit: int, ids: Iterable[UUID | str] | None = None) -> list[W]:
        """Take up to ``limit`` pending due rows (among ``ids``, if given) under a fresh lease.

        Their attempt is counted before they start. Ordered by priority, then by
        age; rows of one age in the order of their time-ordered ids.
        """
        return self._claim(Status.PENDING, limit, ids)

    def claim_abandoned(self, ids: Iterable[UUID | str] | None = None) -> W | None:
        """Take one row (among ``ids``, if given) whose worker let its lease run out, to retry it
        alone.

        It may be what killed the worker. A row that has used up its attempts that way ends as
        failed (``worker_lost``) and can't take a worker down again.
        """
        lost = Q(status=Status.RUNNING, run_after__lte=Now(), attempts__gte=self.model.MAX_ATTEMPTS)
        self.filter(lost).update(
            status=Status.FAILED,
            completed_at=Now(),
            error_code="worker_lost",
            error=f"The worker died or hung {self.model.MAX_ATTEMPTS} times while it did this. "
            "Look at the worker's log, then retry.",
        )
        taken = self._claim(Status.RUNNING, 1, ids)
        return taken[0] if taken else None

    def _claim(self, status: Status, limit: int, ids: Iterable[UUID | str] | None) -> list[W]:
        using = router.db_for_write(self.model)
        table = connections[using].ops.quote_name(self.model._meta.db_table)
        which = "" if ids is None else "AND id = ANY(%(ids)s::uuid[])"
        params: dict[str, Any] = {
            "status": status.value,
            "limit": limit,
            "lease": self.model.LEASE,
            "ids": None if ids is None else [str(pk) for pk in ids],
        }
        rows = self.model._base_manager.using(using).raw(
            CLAIM.format(table=table, which=which), params
        )
        taken: list[W] = list(rows)
        taken.sort(key=lambda row: (row.priority, row.created_at, row.pk))
        return taken

    def requeue(self, *, priority: Priority = Priority.PERSON) -> int:
        """Start these rows over, as if new. Running ones are left alone. Returns how many."""
        return self.exclude(status=Status.RUNNING).update(
            status=Status.PENDING,
            priority=priority,
            run_after=Now(),
            attempts=0,
            error="",
            error_code="",
            completed_at=None,
            **self.model.AFRESH,
        )

    def give_back(self, *, started_before: datetime | None = None) -> int:
        """End the leases of running rows, so that they are picked up now. Returns how many.

        For when their workers are known to be dead; a living one would lose what it has in hand.
        """
        running = self.filter(status=Status.RUNNING, run_after__gt=Now())
        if started_before is not None:
            running = running.filter(started_at__lt=started_before)
        return running.update(run_after=Now())

    def clear(self) -> int:
        """Turn waiting rows into failed ones with code ``cleared``. Returns how many."""
        return self.filter(status=Status.PENDING).update(
            status=Status.FAILED,
            completed_at=Now(),
            error_code="cleared",
            error="Cleared from the queue by a person. Retry to run it after all.",
        )


class Work(models.Model):
    """A long job, as a row. Subclasses name their queue and their Celery task."""

    QUEUE: ClassVar[str]
    TASK: ClassVar[str]  # dotted path; a test proves that it is a registered task
    LEASE: ClassVar[timedelta] = timedelta(seconds=settings.WORK_LEASE_SECONDS)
    MAX_ATTEMPTS: ClassVar[int] = 5
    # Before the second attempt; then doubled.
    BACKOFF: ClassVar[timedelta] = timedelta(seconds=settings.WORK_BACKOFF_SECONDS)
    MAX_BACKOFF: ClassVar[timedelta] = timedelta(hours=1)
    # What a row that starts over forgets besides its attempts, by column.
    AFRESH: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.SCHEDULE)
    run_after = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [
            models.Index(
                "status", "priority", "run_after", "id",
                name="%(class)s_due", condition=Q(status__in=OPEN),
            ),
            models.Index("completed_at", name="%(class)s_failed", condition=Q(status="failed")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk} ({self.status})"

    def finish(self, **fields: Any) -> bool:
        """Completed. Returns False, and writes nothing, if somebody else owns the row by now."""
        return self._end(status=Status.COMPLETED, completed_at=Now(), **fields)

    def fail(
        self,
        error: str,
        *,
        code: str,
        retryable: bool = False,
        retry_after: float | None = None,
        **fields: Any,
    ) -> bool:
        """Their fault: try again later if that can help and attempts are left, else stop.

        ``retry_after`` is in seconds and is never shortened; without it the wait doubles with
        each attempt, with jitter. Returns False if somebody else owns the row by now.
        """
        what = {"error": error[:2000], "error_code": code, **fields}
        if retryable and self.attempts < self.MAX_ATTEMPTS:
            wait = max(retry_after or 0.0, self._backoff())
            return self._end(
                status=Status.PENDING, run_after=Now() + timedelta(seconds=wait), **what
            )
        return self._end(status=Status.FAILED, completed_at=Now(), **what)

    def postpone(self, wait: float, reason: str = "", **fields: Any) -> bool:
        """Our own limit, or a pause in long work: due in ``wait`` seconds, no attempt spent."""
        return self._end(
            status=Status.PENDING,
            run_after=Now() + timedelta(seconds=wait),
            attempts=F("attempts") - 1,
            error=reason,
            **fields,
        )

    def block(self, error: str = "", code: str = "", **fields: Any) -> bool:
        """Wait for another row or a fresh link; whoever provides it makes the row pending again."""
        return self._end(status=Status.BLOCKED, error=error[:2000], error_code=code, **fields)

    def renew(self, **fields: Any) -> bool:
        """Extend the lease in the middle of long work, saving ``fields`` as a checkpoint."""
        if not self._update_mine(run_after=Now() + self.LEASE, **fields):
            return False
        rows = type(self)._base_manager.filter(pk=self.pk)
        self.run_after = rows.values_list("run_after", flat=True).get()
        return True

    def _end(self, **fields: Any) -> bool:
        fields.setdefault("error", "")
        fields.setdefault("error_code", "")
        return self._update_mine(**fields)

    def _update_mine(self, **fields: Any) -> bool:
        """Write, unless our lease ran out and another worker took over.

        If the database goes away just then, an ending that was committed unheard counts as lost.
        """
        mine = {"id": self.pk, "status": Status.RUNNING, "run_after": self.run_after}
        return persist(lambda: update(type(self), mine, fields)) == 1

    def _backoff(self) -> float:
        """Seconds until the next attempt: doubled each time, spread by a quarter either way."""
        doubled = self.BACKOFF.total_seconds() * 2 ** max(self.attempts - 1, 0)
        capped: float = min(doubled, self.MAX_BACKOFF.total_seconds())
        return capped * random.uniform(0.75, 1.25)

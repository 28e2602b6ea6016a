"""Workers pull: a message wakes one up, and it claims what is due until nothing is left.

So a backlog of any size keeps every worker busy to its end, whatever the sweep's rhythm, and a
lost, late or doubled message costs nothing. A drain ends when nothing is due, when its slice of
time is over (it then sends a message for itself, so that other queues get their turn), or when
the worker was asked to stop.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Generic, cast
from uuid import UUID

from celery import current_app
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, connections, transaction
from kombu.exceptions import OperationalError

from carousel.lib import durations
from carousel.lib.database import AWAY, persist
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.redaction import configured_redactor
from carousel.lib.reporting import report, report_ending, working_on
from carousel.lib.stopping import stopping
from carousel.lib.work import W, Work, WorkQuerySet

logger = logging.getLogger(__name__)

SLICE = settings.WORK_SLICE_SECONDS  # far below CELERY_TASK_SOFT_TIME_LIMIT
IDS_PER_MESSAGE = 300  # a message costs as much as storing several rows
MESSAGES_AT_ONCE = 32  # enough to wake every worker; the rest is pulled
MESSAGE_LIFE = 600  # seconds by two clocks, which may be minutes apart
BROKER_PAUSE = 5.0  # seconds without a message after the broker could not be reached
_silent_until: dict[str, float] = {}  # by broker
LOOK_FOR_ABANDONED = 5.0  # seconds between two looks for rows whose worker died


@dataclass(frozen=True)
class Flow(Generic[W]):
    """How one kind of row is worked on.

    ``step`` gets ``bundle`` claimed rows at most and ends each of them; up to ``lanes`` steps run
    side by side in threads. ``announce`` gets rows whose step came to its end, many at a time.
    """

    model: type[W]
    step: Callable[[list[W]], None]
    bundle: int = 1
    lanes: int = 1
    announce: Callable[[list[W]], None] | None = None


def guarded(step: Callable[[list[W]], None], rows: list[W]) -> None:
    """Run a step and write down how it ended for rows that it did not end itself."""
    with working_on(rows), durations.measured(rows):
        try:
            step(rows)
        except (NotNow, UpstreamError) as exc:
            for row in rows:
                end(row, exc)
        except AWAY as exc:
            _leave(rows, exc)
        except Exception as exc:
            if _out_of_time(exc):
                error, code = "It took longer than a task may.", "time_limit"
            else:
                error = configured_redactor().text(f"{type(exc).__name__}: {exc}")
                code = "bug"
            for row in rows:
                row.fail(error, code=code, retryable=code == "time_limit")
            report(exc)
            raise


def _out_of_time(exc: BaseException | None) -> bool:
    """Whether the time limit is behind it: libraries wrap what is raised in the middle of them."""
    while exc is not None and not isinstance(exc, SoftTimeLimitExceeded):
        exc = exc.__cause__ or exc.__context__
    return exc is not None


def _leave(rows: Sequence[Work], exc: Exception) -> None:
    """The database went away under these rows: try them again, once it is back.

    If it stays away, their leases run out.
    """
    error = configured_redactor().text(f"The database went away: {str(exc).strip()}")
    logger.warning("%s", error)
    report(exc)
    connection.close_if_unusable_or_obsolete()
    try:
        for row in rows:
            row.fail(error, code="database_unavailable", retryable=True)
    except AWAY:
        logger.error("The database is still away; %s rows wait for their leases.", len(rows))


def end(row: Work, exc: NotNow | UpstreamError) -> bool:
    """Write an ending that is no bug of ours. False if somebody else owns the row by now."""
    if isinstance(exc, NotNow):
        return row.postpone(exc.wait, str(exc))
    ended = row.fail(str(exc), code=exc.code, retryable=exc.retryable, retry_after=exc.retry_after)
    if ended and not (exc.retryable and row.attempts < row.MAX_ATTEMPTS):
        report_ending(row, exc)
    return ended


@dataclass
class _Drain(Generic[W]):
    flow: Flow[W]
    ids: Sequence[str]
    ends: float
    pool: ThreadPoolExecutor | None
    only: bool = False
    under_way: dict[Future[None], list[W]] = field(default_factory=dict)
    # Futures that are done. To wait() for the first of many locks each of them, every time.
    done: SimpleQueue[Future[None]] = field(default_factory=SimpleQueue)
    ended: list[W] = field(default_factory=list)
    bug: BaseException | None = None
    count: int = 0
    abandoned_looked_at: float = float("-inf")

    @property
    def rows(self) -> WorkQuerySet[W]:
        return cast("WorkQuerySet[W]", self.flow.model.objects.all())

    def run(self) -> bool:
        """Work until nothing is due (True), the time is up, or a bug came up (False)."""
        dry = False
        while not dry and self._may_go_on():
            if self._retry_abandoned():
                continue
            dry = not self._fill() and not self.under_way
            self._settle()
        self._settle(everything=True)
        return dry

    def _may_go_on(self) -> bool:
        return self.bug is None and not stopping() and time.monotonic() < self.ends

    def _retry_abandoned(self) -> bool:
        """Work on a row that somebody died over, while nothing else is in hand."""
        if time.monotonic() - self.abandoned_looked_at < LOOK_FOR_ABANDONED:
            return False
        ids = self.ids if self.only else None
        row: W | None = persist(lambda: self.rows.claim_abandoned(ids))
        if row is None:
            self.abandoned_looked_at = time.monotonic()
            return False
        self._settle(everything=True)
        self._start([row])
        self._settle(everything=True)
        return True

    def _fill(self) -> bool:
        """Claim as many rows as there are free lanes for; those named in the message go first."""
        free = self.flow.lanes - len(self.under_way)
        if free < max(1, self.flow.lanes // 4):  # fewer, larger claims
            return False
        wanted = free * self.flow.bundle
        rows: list[W] = []
        if self.ids:
            rows = self._claim(wanted, self.ids)
        if not self.only:
            self._pass_on(rows, wanted)
            self.ids = ()
        if len(rows) < wanted and not self.only:
            rows += self._claim(wanted - len(rows))
        for start in range(0, len(rows), self.flow.bundle):
            self._start(rows[start : start + self.flow.bundle])
        return bool(rows)

    def _pass_on(self, rows: list[W], wanted: int) -> None:
        """Wake the next worker for what the message named beyond what we can take in hand."""
        if len(rows) < wanted or len(self.ids) <= wanted:
            return
        taken = {str(row.pk) for row in rows}
        send(self.flow.model, [pk for pk in self.ids if pk not in taken])

    def _claim(self, limit: int, ids: Sequence[str] | None = None) -> list[W]:
        """What was claimed unheard, as the database went away, comes back with its lease."""
        return persist(lambda: self.rows.claim(limit, ids))

    def _start(self, rows: list[W]) -> None:
        self.count += len(rows)
        if self.pool is not None:
            future = self.pool.submit(copy_context().run, guarded, self.flow.step, rows)
            self.under_way[future] = rows
            future.add_done_callback(self.done.put)
            return
        try:
            guarded(self.flow.step, rows)
        except Exception as exc:  # noqa: BLE001 - raised again by drain() once all is settled
            self.bug = exc
        self.ended += rows

    def _settle(self, *, everything: bool = False) -> None:
        """Wait for a lane to come free (or all of them) and announce what ended."""
        while self.under_way:
            future = self.done.get()
            self.ended += self.under_way.pop(future)
            self.bug = self.bug or future.exception()
            if not everything and self.done.empty():
                break
        if self.ended and (everything or len(self.ended) >= self.flow.lanes):
            ended, self.ended = self.ended, []
            if self.flow.announce is not None:
                announce = self.flow.announce
                persist(lambda: announce(ended))


def drain(
    flow: Flow[W], ids: Sequence[str] = (), *, seconds: float = SLICE, only: bool = False
) -> int:
    """Work on due rows, those in ``ids`` first, for up to ``seconds``; returns how many.

    ``only``: leave all others alone, and leave it to the caller to go on after that time.
    A bug in a step fails its row, lets the others in hand finish, and is then raised.
    """
    ends = time.monotonic() + seconds
    if flow.lanes > 1:
        with ThreadPoolExecutor(flow.lanes, thread_name_prefix="lane") as pool:
            state = _Drain(flow, ids, ends, pool, only)
            try:
                dry = state.run()
            finally:
                wait(state.under_way)
                _close_connections(pool, flow.lanes)
    else:
        state = _Drain(flow, ids, ends, None, only)
        dry = state.run()
    durations.flush()
    if not (dry or only or stopping()):
        send(flow.model, [])
    if state.bug is not None:
        raise state.bug
    return state.count


def _close_connections(pool: ThreadPoolExecutor, lanes: int) -> None:
    """Each lane is a thread with a database connection of its own; close every one of them."""
    all_here = threading.Barrier(lanes)

    def close() -> None:
        all_here.wait(timeout=10)
        connections.close_all()

    for future in [pool.submit(close) for _ in range(lanes)]:
        future.result()


def wake(model: type[W], ids: Iterable[UUID | str]) -> None:
    """After commit, tell workers that these rows are waiting. The sweep is the guarantee."""
    named = [str(pk) for pk in ids][: IDS_PER_MESSAGE * MESSAGES_AT_ONCE]
    for start in range(0, len(named), IDS_PER_MESSAGE):
        transaction.on_commit(partial(send, model, named[start : start + IDS_PER_MESSAGE]))


def send(model: type[W], ids: list[str]) -> bool:
    """Put one message on the model's queue; a broker that is down is a warning, not an error.

    After a failure nothing is sent for a few seconds, so that a broker that is down costs many
    rows no more time than one. The sweep makes good what was not sent.
    """
    broker = str(current_app.conf.broker_url)
    if time.monotonic() < _silent_until.get(broker, 0.0):
        return False
    try:
        current_app.send_task(
            model.TASK,
            args=[ids],
            queue=model.QUEUE,
            expires=MESSAGE_LIFE,
            argsrepr=f"({len(ids)} ids)",  # writing them all out costs more than sending them
        )
    except (OperationalError, OSError) as exc:
        logger.warning("Could not reach the broker for %s: %s", model.TASK, exc)
        _silent_until[broker] = time.monotonic() + BROKER_PAUSE
        return False
    return True


def sweep(model: type[W]) -> int:
    """Wake workers if anything is due. Cheap when nothing is, safe to run twice.

    Returns the number of messages sent: a few, because each worker goes on until nothing is left.
    """
    due = model.objects.due().order_by("priority", "run_after").values_list("pk", flat=True)
    waiting = [str(pk) for pk in due[:MESSAGES_AT_ONCE]]
    return sum(send(model, waiting[start : start + 8]) for start in range(0, len(waiting), 8))

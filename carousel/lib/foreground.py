"""Work on chosen rows in this process, now, while somebody watches.

The rows are claimed like any worker's, so workers may be at the same ones: what another process
holds is waited for and taken over once its lease runs out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import connections
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from carousel.lib.drain import Flow, drain
from carousel.lib.reporting import was_reported
from carousel.lib.stopping import ask_to_stop, stopping
from carousel.lib.work import OPEN, Status, W, WorkQuerySet

CHUNK = 1000  # rows
LOOK_EVERY = 0.4  # seconds
PATIENCE = 60.0  # seconds for which a row's next attempt is waited for

UNTIL_DUE = ExpressionWrapper(F("run_after") - Now(), output_field=DurationField())


@dataclass
class Tally:
    """How the rows stand: how many by status and error code, of all those handed out so far.

    ``wait``: seconds until the next attempt, while there is nothing else to do.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    in_hand: Sequence[UUID] = ()
    wait: float = 0.0

    def number(self, *statuses: str) -> int:
        """Rows in one of these states."""
        return sum(count for (status, _), count in self.counts.items() if status in statuses)

    @property
    def ended(self) -> int:
        """Rows on which there is nothing left to do here."""
        return self.number(Status.COMPLETED, Status.FAILED, Status.BLOCKED)

    def codes(self, status: str = Status.FAILED) -> dict[str, int]:
        """Error codes of the rows in this state, the most frequent first."""
        found = Counter({code: n for (state, code), n in self.counts.items() if state == status})
        return dict(found.most_common())

    def describe(self) -> str:
        """What did not go well, in words: ``3 failed (not_found 2, timeout 1), 1 blocked``."""
        words = []
        for status in (Status.FAILED, Status.BLOCKED):
            codes = [f"{code or 'no code'} {n}" for code, n in list(self.codes(status).items())[:4]]
            if codes:
                words.append(f"{self.number(status)} {status.label.lower()} ({', '.join(codes)})")
        if self.wait:
            words.append(f"next attempt in {self.wait:.0f} s")
        return ", ".join(words)


Show = Callable[[Tally], None]


def slices(ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    """Rows chosen by id, many at a time."""
    for start in range(0, len(ids), CHUNK):
        yield list(ids[start : start + CHUNK])


def due_slices(rows: WorkQuerySet[W], limit: int | None = None) -> Iterator[list[UUID]]:
    """Rows of this set that are due, until none is or ``limit`` were given out; urgent ones first.

    Each slice must be worked on before the next is asked for.
    """
    left = CHUNK if limit is None else limit
    while left > 0:
        due = rows.due().order_by("priority", "run_after").values_list("pk", flat=True)
        ids = list(due[: min(CHUNK, left)])
        if not ids:
            return
        yield ids
        left -= 0 if limit is None else len(ids)


def work_through(flow: Flow[W], chosen: Iterable[list[UUID]], show: Show) -> Tally:
    """Work on these rows in this process until they have ended or we are told to stop.

    ``show`` is called a few times a second. A row that has to wait for its next attempt is waited
    for up to ``PATIENCE`` seconds. Bugs in a step fail their row and go on with the others; raises
    what went wrong outside of a step, as when the database is gone.
    """
    work = _Foreground(flow, show)
    for ids in chosen:
        work.begin(ids)
        if not stopping():
            work.drain()
        work.put_by()
        if stopping():
            break
    work.see_out()
    return work.tally()


class _Foreground:
    """The rows in hand, those put by because they are not at their end, and the ended ones."""

    def __init__(self, flow: Flow[W], show: Show) -> None:
        self.flow: Flow[W] = flow
        self.show = show
        self.in_hand: list[UUID] = []
        self.open: set[UUID] = set()
        self.behind: Counter[tuple[str, str]] = Counter()

    def begin(self, ids: list[UUID]) -> None:
        self.in_hand = ids
        self.open -= set(ids)

    def put_by(self) -> None:
        """Count what has ended, and remember what has not."""
        for pk, ending in self._states(self.in_hand).items():
            if ending[0] in OPEN:
                self.open.add(pk)
            else:
                self.behind[ending] += 1
        self.in_hand = []

    def see_out(self) -> None:
        """Go on with what is open: held by others, or waiting for another attempt soon."""
        patience = PATIENCE
        while self.open and not stopping():
            wait = self._until_due()
            if wait is None:  # others hold some, which ends with their lease at the latest
                self._sleep(LOOK_EVERY)
            elif wait <= patience:
                patience -= wait
                self._sleep(wait)
            else:
                return
            before = len(self.open)
            self.begin(list(self.open))
            self.drain()
            self.put_by()
            if len(self.open) < before:
                patience = PATIENCE

    def tally(self) -> Tally:
        ids = [*self.in_hand, *self.open]
        return Tally(self.behind + Counter(self._states(ids).values()), ids)

    def drain(self) -> None:
        """Drain the rows in hand in a thread, and show how it goes."""
        ids = [str(pk) for pk in self.in_hand]
        failures: list[Exception] = []

        def work() -> None:
            try:
                drain(self.flow, ids, seconds=float("inf"), only=True)
            except Exception as exc:  # noqa: BLE001 - raised again below, in the thread that waits
                failures.append(exc)
            finally:
                connections.close_all()  # this thread's own

        while not stopping():
            thread = threading.Thread(target=copy_context().run, args=(work,), name="foreground")
            thread.start()
            self._watch(thread)
            if not failures:
                return
            if not was_reported(failure := failures.pop()):
                raise failure

    def _watch(self, thread: threading.Thread) -> None:
        try:
            while thread.is_alive():
                thread.join(LOOK_EVERY)
                self.show(self.tally())
        except BaseException:
            ask_to_stop()
            thread.join()
            raise

    def _sleep(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not stopping():
            tally = self.tally()
            tally.wait = left if left > LOOK_EVERY else 0.0
            self.show(tally)
            time.sleep(min(LOOK_EVERY, left))

    def _until_due(self) -> float | None:
        """Seconds until the first row is due; None if others hold some, which may end any time."""
        rows = self.flow.model._base_manager.filter(pk__in=self.open, status__in=OPEN)
        waits = list(rows.annotate(wait=UNTIL_DUE).values_list("status", "wait"))
        if any(status == Status.RUNNING for status, _ in waits):
            return None
        soonest = min((wait for _, wait in waits), default=timedelta())
        return max(LOOK_EVERY, soonest.total_seconds())

    def _states(self, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
        rows = self.flow.model._base_manager.filter(pk__in=ids)
        found = rows.values_list("pk", "status", "error_code")
        return {pk: (status, code) for pk, status, code in found}

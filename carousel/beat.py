"""Celery's beat with its schedule in the database, with two things mended.

Beat remembers by the wall clock when each tick was sent last: set back by an hour, as by somebody
who mends a wrong clock, it would send none for that hour, and nothing would be swept.

And Celery saves the schedule where SIGTERM happens to find beat, and raises SystemExit there. In
the middle of a query psycopg's connection is locked, and beat would wait for itself for ever; in
the middle of sending, redis-py and Celery turn the SystemExit into an error to be logged, and beat
would live on. So it ends between two ticks.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from carousel.lib.command_errors import told

logger = logging.getLogger(__name__)

STEP = 1.0  # seconds by which clocks are set back without anybody noticing


class Entry(ModelEntry):  # type: ignore[misc]
    """One tick. It was never sent later than now."""

    last_run_at: datetime

    def __init__(self, model: Any, app: Any = None) -> None:
        super().__init__(model, app=app)
        self.not_in_the_future()

    def not_in_the_future(self) -> None:
        """Believe the clock, not what it said before."""
        self.last_run_at = min(self.last_run_at, datetime.now(UTC))


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Notices when the wall clock falls behind the one that only ever goes on, and when to end."""

    Entry = Entry

    def __init__(self, *args: Any, lazy: bool = False, **kwargs: Any) -> None:
        self._offset = _offset()
        self._at_work = True
        self._asked_to_end = False
        if not lazy and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._ask_to_end)
        try:
            super().__init__(*args, lazy=lazy, **kwargs)
        except Error as exc:  # as it starts; later it waits for a database that is away
            sys.exit(f"carousel: {told(exc)}")

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """As Celery's, on a plan made anew if the clock was set back. Raises SystemExit."""
        self._at_work = True
        if not self._asked_to_end:
            self._notice_clock()
            pause = super().tick(*args, **kwargs)
        self._at_work = False
        if self._asked_to_end:
            raise SystemExit
        return pause

    def sync(self) -> None:
        """As Celery's: write down what was sent when."""
        self._at_work = True  # until the next tick is over
        super().sync()

    def _ask_to_end(self, *_: object) -> None:
        """SIGTERM, or Ctrl-C: at once if it sleeps or is told twice, else after this tick."""
        if self._asked_to_end or not self._at_work:
            raise SystemExit
        self._asked_to_end = True

    def _notice_clock(self) -> None:
        before, self._offset = self._offset, _offset()
        if self._offset < before - STEP:
            logger.warning("The clock was set back by %.0f s.", before - self._offset)
            for entry in self.schedule.values():
                entry.not_in_the_future()
            self._heap = None


def _offset() -> float:
    """Seconds between the wall clock and the monotonic one."""
    return time.time() - time.monotonic()

"""Celery's beat with its schedule in the database, with two things mended.

Beat remembers by the wall clock when each tick was sent last: set back by an hour, as by somebody
who mends a wrong clock, it would send none for that hour, and nothing would be swept. And SIGTERM
raises SystemExit wherever beat is; in the middle of sending, redis-py and Celery turn that into an
error to be logged, and beat lives on.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._offset = _offset()
        self._closed = False
        super().__init__(*args, **kwargs)

    def close(self) -> None:
        """Called where SIGTERM arrives."""
        self._closed = True
        super().close()

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """As Celery's, on a plan made anew if the clock was set back. Raises SystemExit."""
        if self._closed:
            raise SystemExit
        before, self._offset = self._offset, _offset()
        if self._offset < before - STEP:
            logger.warning("The clock was set back by %.0f s.", before - self._offset)
            for entry in self.schedule.values():
                entry.not_in_the_future()
            self._heap = None
        return super().tick(*args, **kwargs)


def _offset() -> float:
    """Seconds between the wall clock and the monotonic one."""
    return time.time() - time.monotonic()

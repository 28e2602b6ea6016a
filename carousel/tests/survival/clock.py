"""A Celery process whose wall clock is wrong by as many seconds as a file says, at any moment.

Run as ``python clock.py FILE ARGUMENTS-OF-CELERY``. Only what Python calls the time is moved; the
database and Redis keep theirs.
"""

from __future__ import annotations

import datetime as module
import sys
import time
from datetime import datetime as true_datetime
from pathlib import Path
from typing import Any

true_time = time.time


def offset() -> float:
    """Seconds, positive for a clock that is fast."""
    return float(file.read_text() or 0)


class _Kind(type):
    """What C code makes is of the true class; it counts as one of these, too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, true_datetime)


class Moved(true_datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return true_datetime.now(tz) + module.timedelta(seconds=offset())

    @classmethod
    def utcnow(cls) -> Any:
        return true_datetime.now(module.UTC).replace(tzinfo=None) + module.timedelta(
            seconds=offset()
        )


if __name__ == "__main__":
    file = Path(sys.argv[1])
    module.datetime = Moved  # type: ignore[misc]
    time.time = lambda: true_time() + offset()
    sys.argv = ["celery", *sys.argv[2:]]
    sys.path[0] = ""  # the checkout, not this folder

    from celery.__main__ import main

    sys.exit(main())

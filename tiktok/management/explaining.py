"""What went wrong outside, and what is going on, for whoever typed a command."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings

from carousel.lib.progress import Progress
from carousel.lib.stopping import stopping


def explained(code: str, words: str) -> str:
    """The error with this code, and what to do about it from a terminal."""
    if code == "connection_failed" and settings.USE_SANDBOX:
        return (
            f"Nothing answers at {settings.SCRAPECREATORS_BASE_URL}: run `manage.py sandbox` or "
            "`make up`, or set SCRAPECREATORS_API_KEY."
        )
    if code == "not_found":
        return f"{words} Check the spelling."
    return words


def shown_wait(progress: Progress, done: Callable[[], int]) -> Callable[[float, str], None]:
    """A way to wait so many seconds that shows why, and ends early when we are told to stop."""

    def wait(seconds: float, reason: str) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not stopping():
            progress.show(done(), f"waits {left:.0f} s: {reason}")
            time.sleep(min(0.5, left))

    return wait

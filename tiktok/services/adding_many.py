"""Add profiles one after another, with patience for what passes by itself.

Each added profile is committed before the next is asked for, so whoever is interrupted goes on
where they were by leaving out the known ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from carousel.lib.errors import NotNow
from carousel.lib.stopping import stopping
from tiktok.scraper.errors import ScrapeError
from tiktok.services.adding import Added, BadHandle, add_profile
from tiktok.services.gate import HOLDING
from tiktok.services.runs import set_monitoring

TRIES = 3
FIRST_WAIT = 1.0  # seconds before the second try, doubled before the third
LONGEST_WAIT = 900.0  # seconds in all for one profile
FAILURES_IN_A_ROW = 3  # that might pass: after these the others would fail as well

Wait = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What adding one profile came to: ``added``, or ``error`` and its ``code``.

    ``is_last``: it tells about all the others, too, which were not tried.
    """

    text: str
    added: Added | None = None
    error: str = ""
    code: str = ""
    is_last: bool = False


def add_each(
    texts: Iterable[str],
    wait: Wait,
    *,
    is_own_profile: bool = False,
    monitoring: bool | None = None,
) -> Iterator[Outcome]:
    """Add these handles or links in their order; one outcome for each that was tried.

    ``wait`` is called to wait for so many seconds, with the reason; it may return early when we
    are told to stop. ``monitoring`` switches it on or off where given. It ends after an answer
    that every other call would get too (no credits, a refused key, nobody there), or after three
    in a row that might pass.
    """
    adding = _Adding(wait, is_own_profile=is_own_profile, monitoring=monitoring)
    for text in texts:
        if stopping():
            return
        outcome = adding.one(text)
        yield outcome
        if outcome.is_last:
            return


class _Adding:
    def __init__(self, wait: Wait, *, is_own_profile: bool, monitoring: bool | None) -> None:
        self.wait = wait
        self.is_own_profile = is_own_profile
        self.monitoring = monitoring
        self.answered = False
        self.failures = 0

    def one(self, text: str) -> Outcome:
        """Add one profile, trying again where that can help."""
        left, wait = TRIES, FIRST_WAIT
        patience = LONGEST_WAIT
        while True:
            try:
                return self._added(text)
            except BadHandle as exc:
                return Outcome(text, error=str(exc), code=exc.code)
            except NotNow as exc:
                pause, failed = (
                    exc.wait,
                    Outcome(text, error=str(exc), code="not_now", is_last=True),
                )
            except ScrapeError as exc:
                left -= 1
                pause, wait = max(wait, exc.retry_after or 0.0), 2 * wait
                failed = self._failed(text, exc)
                if failed.is_last or not (exc.retryable and left):
                    return self._ended(failed, exc)
            patience -= pause
            if patience < 0 or stopping():
                return failed
            self.wait(pause, failed.error)

    def _added(self, text: str) -> Outcome:
        added = add_profile(text, is_own_profile=self.is_own_profile)
        if self.monitoring is not None:
            set_monitoring([added.profile.pk], enabled=self.monitoring)
            added.profile.refresh_from_db()
        self.answered, self.failures = True, 0
        return Outcome(text, added)

    def _failed(self, text: str, exc: ScrapeError) -> Outcome:
        nobody_there = exc.code == "connection_failed" and not self.answered
        is_last = exc.code in HOLDING or nobody_there
        return Outcome(text, error=str(exc), code=exc.code, is_last=is_last)

    def _ended(self, failed: Outcome, exc: ScrapeError) -> Outcome:
        """Count failures that might pass; enough of them are the last."""
        self.failures = self.failures + 1 if exc.retryable else 0
        is_last = failed.is_last or self.failures >= FAILURES_IN_A_ROW
        return Outcome(failed.text, error=failed.error, code=failed.code, is_last=is_last)

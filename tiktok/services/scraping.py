"""Calls to ScrapeCreators with everything that belongs to them: gate, rate limit, ledger."""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from carousel.lib import faults, limits
from carousel.lib.errors import NotNow
from tiktok.models import ProfileMonitoringLog
from tiktok.scraper.calls import Call, PlannedCall
from tiktok.scraper.client import ScrapeCreators
from tiktok.scraper.transport import ScraperConfig
from tiktok.services.budgets import assign, reserve, settle
from tiktok.services.gate import CLOSING, close_gate, pass_gate

LIMIT = "ScrapeCreators"
SHORT_WAIT = 2.0  # seconds; a longer one gives the worker to another row
SLOW_DOWN = 15.0  # seconds for all workers after a 429 that names no time


class Ledger:
    """Writes each paid call down, before and after, in a transaction of its own."""

    def __init__(
        self, run: ProfileMonitoringLog | None = None, profile_id: UUID | None = None
    ) -> None:
        self.run_id = run.pk if run else None
        self.profile_id = run.profile_id if run else profile_id
        self.calls: list[Call] = []

    def before(self, planned: PlannedCall) -> None:
        """Raise NotNow or ScrapeError, or let the call pass: a paid one is in the books now, and
        the most it can cost is taken from the budgets."""
        if planned.max_credits:
            pass_gate(credit_balance)
        _take_turn()
        if planned.max_credits:
            reserve(planned, self.run_id, self.profile_id)
            faults.point("call.reserved")

    def after(self, call: Call) -> None:
        """Settle the call, charge the run, and tell everybody what concerns everybody."""
        if call.max_credits:
            faults.point("call.answered")
            settle(call)
            self.calls.append(call)
            faults.point("call.settled")
        if call.error_code in CLOSING:
            close_gate(call.error_code, f"{call.endpoint} answered {call.http_status}")
        if call.http_status == 429:
            limits.hold(LIMIT, call.retry_after or SLOW_DOWN)

    def charge_to(self, run: ProfileMonitoringLog) -> None:
        """From now on calls belong to ``run``; those made before it existed do so too."""
        self.run_id, self.profile_id = run.pk, run.profile_id
        assign([call.id for call in self.calls], run)


class LedgerClient(ScrapeCreators):
    """The client, together with the ledger that its calls are written to."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        super().__init__(
            ScraperConfig(
                base_url=settings.SCRAPECREATORS_BASE_URL,
                api_key=settings.SCRAPECREATORS_KEY_IN_USE,
                timeout=settings.HTTP_TIMEOUT,
                before_call=ledger.before,
                on_call=ledger.after,
            )
        )


def _take_turn() -> None:
    """Take one call of the shared rate limit, after a short wait if that will do."""
    patience = SHORT_WAIT
    while True:
        try:
            return limits.spend(LIMIT, settings.SCRAPECREATORS_CALLS_PER_MINUTE)
        except NotNow as exc:
            if exc.wait > patience:
                raise
            patience -= exc.wait
            time.sleep(exc.wait)


def scraper(
    run: ProfileMonitoringLog | None = None, *, profile_id: UUID | None = None
) -> LedgerClient:
    """A client whose calls are limited, recorded and charged to ``run``; use it as a context.

    Beside ``ScrapeError`` (``budget_exhausted`` among others) its calls raise NotNow, while a
    person pauses them or the rate limit is used up. Never use it inside a transaction: the ledger
    must keep what the caller rolls back.
    """
    return LedgerClient(Ledger(run, profile_id))


def credit_balance() -> int:
    """Credits left, as ScrapeCreators says. Free. Raises ScrapeError."""
    with scraper() as client:
        return client.credit_balance()


def seen_at() -> datetime:
    """Now, by the database's clock: the order of sightings must not hang on a worker's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found

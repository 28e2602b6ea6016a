"""Whether a request to a paid reader may be made: decided once for all workers, in the database.

Every request reserves the most that it can cost before it is sent, in the same statement that
looks at the pause, the closed gate and what is left of the day's budget; what it did cost is
settled afterwards. So workers that ask at the same moment can't overrun the budget together. A
day is a day in UTC.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from carousel.lib import limits
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.ids import uuid7
from ocr.engine import RequestEstimate, TooDear
from ocr.models import Mode, ModelCall, ReaderGate

logger = logging.getLogger(__name__)

PAUSE = 60.0  # seconds between two looks at whether the pause is over
PROBE_EVERY = timedelta(minutes=5)  # one request finds out whether a closed gate may open

TODAY = "(statement_timestamp() AT TIME ZONE 'UTC')::date"
ENTER = f"""
WITH passed AS (
    UPDATE ocr_readergate SET
        committed_usd = CASE WHEN day = {TODAY} THEN committed_usd ELSE 0 END + %(most)s,
        day = {TODAY},
        probe_at = CASE WHEN closed_code = '' THEN NULL
                        ELSE statement_timestamp() + %(probe)s END
    WHERE id = 1 AND NOT paused
      AND (closed_code = '' OR probe_at IS NULL OR probe_at <= statement_timestamp())
      AND (%(budget)s::numeric IS NULL
           OR CASE WHEN day = {TODAY} THEN committed_usd ELSE 0 END + %(most)s <= %(budget)s)
    RETURNING day
)
INSERT INTO ocr_modelcall
    (id, day, mode, model, posts, images, reserved_usd, error_code)
SELECT %(id)s, day, %(mode)s, %(model)s, %(posts)s, %(images)s, %(most)s, '' FROM passed
RETURNING id
"""
SETTLE = """
WITH settled AS (
    UPDATE ocr_modelcall SET
        cost_usd = %(cost)s, input_tokens = %(input)s, output_tokens = %(output)s,
        error_code = %(code)s, settled_at = statement_timestamp()
    WHERE id = %(id)s AND settled_at IS NULL
    RETURNING day, coalesce(cost_usd, reserved_usd) - reserved_usd AS difference
)
UPDATE ocr_readergate AS gate SET committed_usd = gate.committed_usd + settled.difference
FROM settled WHERE gate.day = settled.day
"""


@dataclass(frozen=True, slots=True)
class Spending:
    """Today's, in US dollars; ``budget`` None: without bounds."""

    day: date
    committed: Decimal
    budget: Decimal | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why nothing is read just now: ``paused``, ``budget_exhausted``, or the code of an answer
    that any other request would get too."""

    code: str
    reason: str


class SharedTicket:
    """One row of the ledger, to be settled once."""

    def __init__(self, pk: UUID) -> None:
        self.pk = pk

    def paid(self, input_tokens: int, output_tokens: int, cost_usd: Decimal) -> None:
        """The request was answered: what it cost takes the place of what it might have."""
        self._settle(cost_usd, "", input_tokens, output_tokens)
        ReaderGate.objects.exclude(closed_code="").update(
            closed_code="", closed_reason="", closed_at=None, probe_at=None
        )

    def failed(self, code: str, *, may_cost: bool) -> None:
        """It was not; where it may be billed all the same, what was reserved stays reserved."""
        self._settle(None if may_cost else Decimal(0), code)

    def _settle(
        self,
        cost: Decimal | None,
        code: str,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
    ) -> None:
        params: dict[str, Any] = {
            "id": self.pk,
            "cost": cost,
            "code": code,
            "input": input_tokens,
            "output": output_tokens,
        }
        with connection.cursor() as cursor:
            cursor.execute(SETTLE, params)


class SharedGate:
    """The gate to Gemini: rate, budget, pause and closed doors, the same for all workers."""

    def __init__(self, mode: Mode = Mode.DIRECT) -> None:
        self._mode = mode

    def enter(self, estimate: RequestEstimate) -> SharedTicket:
        """Reserve the most that the request can cost. Raises NotNow, TooDear where a smaller
        request could still be paid for."""
        limits.spend("gemini", settings.GEMINI_CALLS_PER_MINUTE)
        params: dict[str, Any] = {
            "id": uuid7(),
            "mode": self._mode,
            "model": estimate.model,
            "posts": estimate.posts,
            "images": estimate.images,
            "most": estimate.ceiling_usd,
            "budget": settings.OCR_DAILY_BUDGET_USD,
            "probe": PROBE_EVERY,
        }
        if not _reserved(params):
            _, made = ReaderGate.objects.get_or_create(pk=ReaderGate.ONLY)
            if not made or not _reserved(params):
                raise _refusal(estimate)
        return SharedTicket(params["id"])

    def pause(self, wait: float, reason: str) -> None:
        """The service asked everybody to wait."""
        limits.hold("gemini", wait)

    def close(self, error: UpstreamError) -> NotNow:
        """Stop all requests; what was to be read waits until one of them succeeds again."""
        ReaderGate.objects.filter(pk=ReaderGate.ONLY).update(
            closed_code=error.code,
            closed_reason=str(error),
            closed_at=Now(),
            probe_at=Now() + PROBE_EVERY,
        )
        logger.error("All requests to the reader are stopped: %s", error)
        return _closed(str(error))


def pass_switch() -> None:
    """Raise NotNow while a person has paused all reading, whoever the reader is."""
    if ReaderGate.objects.filter(paused=True).exists():
        raise _paused()


def open_gate() -> bool:
    """Let requests through again, as a person asks for it; False if it was open."""
    closed = ReaderGate.objects.exclude(closed_code="")
    return bool(closed.update(closed_code="", closed_reason="", closed_at=None, probe_at=None))


def spending() -> Spending:
    """What today's requests have cost or may cost, and what they may cost together."""
    today = datetime.now(UTC).date()
    committed = ReaderGate.objects.filter(day=today).values_list("committed_usd", flat=True)
    return Spending(today, committed.first() or Decimal(0), settings.OCR_DAILY_BUDGET_USD)


def reading_stopped() -> Stopped | None:
    """Why nothing is read just now; None if all is well."""
    gate = ReaderGate.objects.filter(pk=ReaderGate.ONLY).first()
    if gate is None:
        return None
    if gate.paused:
        return Stopped("paused", "A person has paused it in the admin.")
    if gate.closed_code:
        return Stopped(gate.closed_code, gate.closed_reason)
    refused = gate.refused_at
    if refused is None or refused.date() != datetime.now(UTC).date():
        return None
    if ModelCall.objects.filter(started_at__gt=refused).exists():
        return None
    return Stopped("budget_exhausted", "Today's budget is used up; it goes on at midnight UTC.")


def _reserved(params: dict[str, Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ENTER, params)
        return cursor.fetchone() is not None


def _refusal(estimate: RequestEstimate) -> NotNow:
    """Why a request was not let through."""
    gate = ReaderGate.objects.get(pk=ReaderGate.ONLY)
    if gate.paused:
        return _paused()
    if gate.closed_code:
        return _closed(gate.closed_reason)
    ReaderGate.objects.filter(pk=ReaderGate.ONLY).update(refused_at=Now())
    now = spending()
    midnight = datetime.combine(now.day + timedelta(days=1), datetime.min.time(), UTC)
    return TooDear(
        f"${now.committed:.4f} of today's ${now.budget} (OCR_DAILY_BUDGET_USD) are taken, and the "
        f"next request may cost ${estimate.ceiling_usd:.4f}. Reading goes on at midnight UTC.",
        wait=max(1.0, (midnight - datetime.now(UTC)).total_seconds()),
    )


def _paused() -> NotNow:
    return NotNow("Reading is paused in the admin.", wait=PAUSE)


def _closed(reason: str) -> NotNow:
    return NotNow(f"Reading is stopped. {reason}", wait=PROBE_EVERY.total_seconds())

"""Whether calls to ScrapeCreators may be made, decided once for all workers.

An answer that makes every further call pointless (no credits, a refused key) closes the gate. The
first call after that, and then one every ``PROBE_EVERY``, asks for the balance, which is free; the
gate opens as soon as that answers with credits. A person can pause everything in the admin.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from carousel.lib.errors import NotNow
from tiktok.models import ScraperGate
from tiktok.scraper.errors import ScrapeError, failure
from tiktok.services.budgets import EXHAUSTED, budgets

logger = logging.getLogger(__name__)

CLOSING = frozenset({"out_of_credits", "unauthorized"})
# What holds every call back before it is made: whatever is on schedule waits, at no cost.
HOLDING = CLOSING | {EXHAUSTED}
PROBE_EVERY = timedelta(seconds=30)
GATE_WAIT = 300.0  # seconds between two looks of a waiting row at a closed gate
STAYS = f"calls are stopped until that is mended; we look every {PROBE_EVERY.seconds} s"
PAUSE = 60.0  # seconds between two looks at whether the pause is over


@dataclass(frozen=True, slots=True)
class CallsStopped:
    """Why no paid call is made at present: ``paused``, ``budget_exhausted``, or the code of the
    answer that stopped them. ``until``: when that ends by itself, where that is known."""

    code: str
    reason: str
    since: datetime | None = None
    until: datetime | None = None


def calls_stopped() -> CallsStopped | None:
    """Why no paid call is made at present; None if they are."""
    gate = ScraperGate.objects.filter(pk=ScraperGate.ONLY).first()
    if gate and gate.paused:
        return CallsStopped("paused", "A person has paused them in the admin.")
    if gate and gate.closed_code:
        return CallsStopped(gate.closed_code, gate.closed_reason, since=gate.closed_at)
    used_up = [budget for budget in budgets() if budget.exhausted]
    if not used_up:
        return None
    last = max(used_up, key=lambda budget: budget.ends)
    reason = f"The {last.period}'s budget of {last.limit} credits is used up."
    return CallsStopped(EXHAUSTED, reason, until=last.ends)


def pass_gate(balance: Callable[[], int]) -> None:
    """Return if calls may be made. ``balance`` asks for the credits left.

    Raises NotNow while a person pauses us, ScrapeError with the code that closed the gate while
    it is closed.
    """
    gate = ScraperGate.objects.filter(pk=ScraperGate.ONLY).first()
    if gate is None:
        return
    if gate.paused:
        raise NotNow("Calls to ScrapeCreators are paused in the admin.", wait=PAUSE)
    if gate.closed_code and not _opens(balance):
        raise failure(gate.closed_code, "anything", detail=STAYS)


def _opens(balance: Callable[[], int]) -> bool:
    """Look at the balance, unless somebody else has just done so; open the gate if all is well."""
    due = Q(probed_at=None) | Q(probed_at__lte=Now() - PROBE_EVERY)
    if not ScraperGate.objects.filter(due, pk=ScraperGate.ONLY).update(probed_at=Now()):
        return False
    try:
        if balance() <= 0:
            return False
    except ScrapeError as exc:
        logger.warning("The gate to ScrapeCreators stays closed: %s", exc)
        return False
    ScraperGate.objects.filter(pk=ScraperGate.ONLY).update(
        closed_code="", closed_reason="", closed_at=None, probed_at=None
    )
    logger.warning("The gate to ScrapeCreators is open again.")
    return True


def close_gate(code: str, reason: str) -> None:
    """Stop all calls, because of an answer that any other call would get too."""
    ScraperGate.objects.update_or_create(
        pk=ScraperGate.ONLY,
        defaults={
            "closed_code": code,
            "closed_reason": reason,
            "closed_at": Now(),
            "probed_at": None,
        },
    )
    logger.error("All calls to ScrapeCreators are stopped: %s", reason)

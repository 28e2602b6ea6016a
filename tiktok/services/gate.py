"""Whether calls to ScrapeCreators may be made, decided once for all workers.

An answer that makes every further call pointless (no credits, a refused key) closes the gate. The
first call after that, and then one every ``PROBE_EVERY``, asks for the balance, which is free; the
gate opens as soon as that answers with credits. A person can pause everything in the admin.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from carousel.lib.errors import NotNow
from tiktok.models import ScraperGate
from tiktok.scraper.errors import ScrapeError, failure

logger = logging.getLogger(__name__)

CLOSING = frozenset({"out_of_credits", "unauthorized"})
# What holds every call back before it is made: whatever is on schedule waits, at no cost.
HOLDING = CLOSING | {"budget_exhausted"}
PROBE_EVERY = timedelta(seconds=30)
GATE_WAIT = 300.0  # seconds between two looks of a waiting row at a closed gate
PAUSE = 60.0  # seconds between two looks at whether the pause is over


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
        raise failure(gate.closed_code, "anything", detail="calls are stopped until that is mended")


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

"""Calls of unknown price (no answer came, or the worker died), settled from the provider's books.

The provider lists every call it has answered, with its price. Each entry is given to one call of
ours with the same endpoint and parameters: first to those whose answer we have, then to those of
unknown price. One that is left without an entry, though the list reaches behind it and holds
calls of ours from about then, never arrived and cost nothing. What can't be told stays as it is,
counted at the most it can have cost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from carousel.lib import limits
from carousel.lib.errors import NotNow
from tiktok.models import ApiCall
from tiktok.scraper.errors import ScrapeError
from tiktok.scraper.schemas import UsageRow
from tiktok.services.budgets import settle_price
from tiktok.services.scraping import scraper

logger = logging.getLogger(__name__)

UNSETTLED_FOR = timedelta(minutes=10)  # far beyond the longest call
GIVE_UP_AFTER = timedelta(days=7)
CLOCKS_APART = timedelta(minutes=2)  # ours, the provider's, and the length of a call
AFTERWARDS = timedelta(hours=1)  # answered calls that prove the list not to be behind
PAGES = 100
MOST = 1000


def reconcile_calls() -> int:
    """Settle what can be settled of the calls whose price is unknown. Returns how many.

    Asks, for free, once a minute at most, and only while there are any.
    """
    unknown = list(_unknown()[:MOST])
    if not unknown:
        return 0
    try:
        limits.spend("ScrapeCreators' books", 1)
        listed, since = _books(unknown[0].started_at - CLOCKS_APART)
    except (NotNow, ScrapeError) as exc:
        logger.info("Calls of unknown price wait: %s", exc)
        return 0
    settled = 0
    for call, entry in match(unknown, _known(unknown), listed, since):
        price = (entry.credits or 0) if entry else 0
        settled += settle_price(call.pk, price, **_outcome(call, entry))
    if settled:
        logger.info("Settled %s calls of unknown price from ScrapeCreators' books.", settled)
    return settled


def _unknown() -> Any:
    return ApiCall.objects.filter(
        credits=None,
        started_at__lt=Now() - UNSETTLED_FOR,
        started_at__gt=Now() - GIVE_UP_AFTER,
    ).order_by("started_at", "pk")


def _known(unknown: Sequence[ApiCall]) -> list[ApiCall]:
    """Answered calls around those, which the list holds too."""
    return list(
        ApiCall.objects.filter(
            http_status__isnull=False,
            credits__isnull=False,
            started_at__gte=unknown[0].started_at - 2 * CLOCKS_APART,
            started_at__lte=unknown[-1].started_at + AFTERWARDS,
        ).order_by("started_at", "pk")
    )


def _books(since: datetime) -> tuple[list[UsageRow], datetime | None]:
    """The provider's list, back to ``since``; and how far back it is whole (None: to its end)."""
    rows: list[UsageRow] = []
    with scraper() as client:
        for page in range(1, PAGES + 1):
            found = client.usage(page)
            rows += found
            times = [row.requested_at for row in found if row.requested_at]
            if not found:
                return rows, None
            if times and min(times) < since:
                return rows, min(times)
    return rows, min((row.requested_at for row in rows if row.requested_at), default=since)


def match(
    unknown: Sequence[ApiCall],
    known: Sequence[ApiCall],
    listed: Iterable[UsageRow],
    since: datetime | None,
) -> list[tuple[ApiCall, UsageRow | None]]:
    """Calls of unknown price with their entries; None for those that certainly have none.

    ``since`` is how far back the list is whole. Calls about which nothing is certain are left out.
    """
    free: dict[tuple[object, ...], list[UsageRow]] = {}
    for row in listed:
        if row.requested_at is not None:
            free.setdefault(_key(row.endpoint, row.payload), []).append(row)
    proven = [call.started_at for call in known if _take(free, call)]
    found: list[tuple[ApiCall, UsageRow | None]] = []
    for call in unknown:
        entry = _take(free, call)
        if entry or (_reached(call, since) and _about(call, proven)):
            found.append((call, entry))
    return found


def _key(endpoint: str, params: dict[str, Any]) -> tuple[object, ...]:
    return endpoint, *sorted((name, str(value)) for name, value in params.items())


def _take(free: dict[tuple[object, ...], list[UsageRow]], call: ApiCall) -> UsageRow | None:
    """The entry nearest in time, if there is one near enough; it is nobody else's then."""
    rows = free.get(_key(call.endpoint, call.params), [])

    def distance(row: UsageRow) -> timedelta:
        return abs((row.requested_at or call.started_at) - call.started_at)

    nearest = min(rows, key=distance, default=None)
    if nearest is None or distance(nearest) > CLOCKS_APART:
        return None
    rows.remove(nearest)
    return nearest


def _reached(call: ApiCall, since: datetime | None) -> bool:
    return since is None or since < call.started_at - CLOCKS_APART


def _about(call: ApiCall, proven: Sequence[datetime]) -> bool:
    """Whether the list is known to hold calls of ours that were made after this one, so that it
    can be read the way we read it, and is not behind."""
    return any(moment > call.started_at for moment in proven)


def _outcome(call: ApiCall, entry: UsageRow | None) -> dict[str, Any]:
    """What the books add to the ledger's row."""
    fields: dict[str, Any] = {}
    if call.error_code == "in_flight":
        fields["error_code"] = "interrupted" if entry else "never_arrived"
    if entry is not None and call.http_status is None:
        fields["http_status"] = entry.status_code
    return fields

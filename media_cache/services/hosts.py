"""Hosts that are left alone for a while, by every worker on every machine."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from carousel.lib.errors import UpstreamError
from carousel.lib.limits import Holds
from media_cache.download import DownloadError, HostBackoff
from media_cache.models import CacheAsset

HOLDS = Holds("media-hosts")
BACKOFF = HostBackoff(HOLDS)
# Links live for hours to days. A row that is tried again later than this has no better chance.
LONGEST_OUTAGE = timedelta(hours=24)
LONGEST_PAUSE = 600.0  # seconds between two tries of one row


def forget_holds() -> None:
    """Ask every host again."""
    HOLDS.forget()
    BACKOFF.forget()


def outlast(asset: CacheAsset, error: DownloadError) -> None:
    """Try a row again later, at no cost, because its host is down: that says nothing of the file.

    The pause grows with the outage, up to ten minutes. When its links expire meanwhile, fresh ones
    are asked for as always. Raises UpstreamError (``host_down``), which ends the row, once its
    tries have found the host down for ``LONGEST_OUTAGE``.
    """
    now = asset.started_at or datetime.now(UTC)  # by the database's clock
    since = asset.host_down_since or now
    lasted = now - since
    if lasted >= LONGEST_OUTAGE:
        raise UpstreamError(
            f"{error.host_down} has been down for {lasted // timedelta(hours=1)} hours, last: "
            f"{error}. Retry once it is back.",
            code="host_down",
            retryable=False,
        )
    least = CacheAsset.BACKOFF.total_seconds()
    pause = min(max(lasted.total_seconds() / 8, least), LONGEST_PAUSE) * random.uniform(0.75, 1.25)
    wait = max(pause, error.retry_after or 0.0)
    asset.postpone(wait, str(error), error_code=error.code, host_down_since=since)

"""Hosts that are left alone for a while, by every worker on every machine."""

from __future__ import annotations

from carousel.lib.limits import Holds
from media_cache.download import HostBackoff

HOLDS = Holds("media-hosts")
BACKOFF = HostBackoff(HOLDS)


def forget_holds() -> None:
    """Ask every host again."""
    HOLDS.forget()
    BACKOFF.forget()

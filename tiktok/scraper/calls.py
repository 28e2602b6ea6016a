"""The record that every call leaves, so that each credit can be accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call about to be made: ``max_credits`` is the most it can cost. No key in ``params``."""

    id: UUID
    endpoint: str
    params: Mapping[str, str]
    max_credits: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Call(PlannedCall):
    """A call made, whatever came of it.

    ``http_status`` is ``None`` where no whole answer came, ``credits_charged`` where nobody said
    what it cost (up to ``max_credits``; the provider's usage list knows). ``error_code`` is empty
    for a success.
    """

    duration_ms: int
    http_status: int | None = None
    credits_charged: int | None = None
    credits_remaining: int | None = None
    cached: bool = False
    error_code: str = ""
    retry_after: float | None = None  # seconds, as asked for

    @property
    def maybe_charged(self) -> bool:
        """Whether it may have been billed without our knowing."""
        return self.credits_charged is None

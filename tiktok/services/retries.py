"""Which failed runs are worth another try."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from carousel.lib import queues
from tiktok.models import ProfileMonitoringLog


def register_retries() -> None:
    """Let whoever retries failed work ask here about runs."""
    queues.retry_with(ProfileMonitoringLog, retry_runs)


def retry_runs(failed: QuerySet[Any]) -> int:
    """Queue failed runs again, unless their profile has a later one; returns how many.

    A later run has looked at the same posts since, so an older one would only cost credits.
    """
    later = ProfileMonitoringLog.objects.filter(
        profile=OuterRef("profile"), created_at__gt=OuterRef("created_at")
    )
    return queues.requeue(failed.exclude(Exists(later)))

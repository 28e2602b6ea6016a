"""Runs, worked off in the test's own thread and connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carousel.lib.drain import guarded
from carousel.lib.work import Work
from tiktok.models import LinkRefresh, ProfileMonitoringLog
from tiktok.services import refresh, run_monitoring

WorkOff = Callable[..., Any]


@pytest.fixture
def no_rate_limit(settings: Any, empty_redis: None) -> None:
    """As many calls as a test likes, whatever an earlier one was told to wait."""
    settings.SCRAPECREATORS_CALLS_PER_MINUTE = 1_000_000


@pytest.fixture
def still(sandbox: Any) -> Iterator[Any]:
    """The sandbox with a clock that stands still, so that counters grow only when told to."""
    sandbox.clock.frozen_at = sandbox.clock.now()
    yield sandbox
    sandbox.clock.frozen_at = None


@pytest.fixture
def work_off(no_rate_limit: None) -> WorkOff:
    """Work on a row as a worker would, until it is not due any more; returns it as it is then."""
    steps: dict[type[Work], Any] = {ProfileMonitoringLog: run_monitoring, LinkRefresh: refresh}

    def work(row: Any, *, times: int = 100) -> Any:
        for _ in range(times):
            taken = type(row).objects.claim(1, [row.pk])
            if not taken:
                break
            guarded(steps[type(row)], taken)
        row.refresh_from_db()
        return row

    return work

"""Workers are killed at every marked point of every flow, and nothing is lost or doubled."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from carousel.lib.faults import POINTS
from carousel.lib.work import Status
from carousel.tests.survival.installation import LEASE, Installation
from carousel.tests.survival.truth import check_charges, check_files, check_posts
from media_cache.models import CacheAsset
from ocr.models import Reading
from tiktok.models import LinkRefresh, ProfileMonitoringLog, TikTokProfile, Trigger
from tiktok.services import trigger_run

ADDING = {
    "adding.account_found": "creator.1",
    "adding.run_taken": "creator.2",
    "adding.page_stored": "creator.3",
}
WATCHED = ("fit.with.maya", "creator.4", "creator.5", "creator.6", "creator.7", "creator.8")
PLANNED = "creator.9"
DEAD_LINKS = "fault.expired_in_list"
HANDLES = (*ADDING.values(), *WATCHED, PLANNED, DEAD_LINKS)
# Here the whole worker dies, as when its machine does; elsewhere the process that does the work.
GROUPS = {"monitoring.page_upserted", "media.uploaded", "reading.row_ended"}
BOUND = 60  # seconds from the last death until the last row is at rest


def profile(world: Any, handle: str, **fields: Any) -> TikTokProfile:
    """A profile of which nothing but the name is known."""
    user_id = world.truth(handle)["userId"]
    return TikTokProfile.objects.create(tiktok_user_id=user_id, handle=handle, **fields)


def die_adding(installed: Installation, armed: Path) -> None:
    """Kill whoever adds a profile, at each point of that."""
    for point, handle in ADDING.items():
        (armed / point).write_text("")
        assert installed.add(handle).wait(60) == -9, point
    assert not list(armed.iterdir())


def die_working(installed: Installation, armed: Path) -> float:
    """Kill workers at all other points, and start them again; gives the time of the last death."""
    left = [point for point in POINTS if point not in ADDING]
    for point in left:
        (armed / point).write_text("group" if point in GROUPS else "")
    worker: subprocess.Popen[bytes] | None = None
    installed.start_beat()
    died, gives_up = time.monotonic(), time.monotonic() + 150
    while left:
        if worker is None or worker.poll() is not None:
            worker = installed.start_worker()
        still = [point for point in left if (armed / point).exists()]
        died = died if still == left else time.monotonic()
        left = still
        assert time.monotonic() < gives_up, f"{left} {installed.unsettled()}\n{installed.tail()}"
        time.sleep(0.05)
    if worker is None or worker.poll() is not None:
        installed.start_worker()
    return died


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_anywhere_nothing_is_lost_and_nothing_doubled(
    installed: Installation, world: Any, tell: Callable[[str], None]
) -> None:
    armed = installed.folder / "armed"
    armed.mkdir()
    installed.extra["CAROUSEL_DIE_AT"] = str(armed)
    die_adding(installed, armed)
    for handle in (*WATCHED, DEAD_LINKS):
        trigger_run(profile(world, handle), trigger=Trigger.MANUAL)
    a_minute_ago = Now() - timedelta(minutes=1)
    profile(world, PLANNED, monitoring_enabled=True, next_monitoring_run=a_minute_ago)
    died = die_working(installed, armed)
    # Whoever was adding the first one got no answer, and tries again.
    assert installed.add("creator.1").wait(60) == 0
    installed.settle(BOUND)
    seconds = time.monotonic() - died
    tell(
        f"killed at {len(POINTS)} points: every row at rest {seconds:.1f} s after the last death "
        f"(lease {LEASE} s, bound {BOUND} s)"
    )
    assert seconds <= BOUND

    assert installed.failures() == []
    check_posts(world, HANDLES)
    check_files(installed.folder / "media")
    check_charges(world, deaths=len(POINTS))
    assert set(CacheAsset.objects.values_list("status", flat=True)) == {Status.COMPLETED}
    assert set(Reading.objects.values_list("status", flat=True)) == {Status.COMPLETED}
    assert LinkRefresh.objects.exists()
    whole = ProfileMonitoringLog.objects.filter(is_partial=False, status=Status.COMPLETED)
    assert set(whole.values_list("profile__handle", flat=True)) == set(HANDLES)
    installed.check_leaks()

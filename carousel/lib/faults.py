"""Marked points at which tests kill a process, to prove that nothing is lost or doubled there.

``CAROUSEL_DIE_AT`` names a folder, for tests only. Whoever comes by a point whose name is that of
a file in it takes the file away and dies as by ``kill -9``: just itself, or, if the file says
``group``, with its whole process group, as a machine does. Without that variable a point is a call
of an empty function.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django.conf import settings

# Every point, by flow. A test arms each of them, so that none is forgotten.
POINTS = (
    "planning.committed",
    "adding.account_found",
    "adding.run_taken",
    "adding.page_stored",
    "call.reserved",
    "call.answered",
    "call.settled",
    "monitoring.claimed",
    "monitoring.profile_stored",
    "monitoring.profile_committed",
    "monitoring.page_upserted",
    "monitoring.page_committed",
    "monitoring.pages_done",
    "monitoring.totals_added",
    "monitoring.finished",
    "media.claimed",
    "media.downloaded",
    "media.uploaded",
    "media.finished",
    "media.announced",
    "reading.released",
    "reading.claimed",
    "reading.answered",
    "reading.row_ended",
    "reading.slides_written",
    "reading.committed",
    "links.opened",
    "links.claimed",
    "links.post_fetched",
    "links.post_stored",
    "links.finished",
)


def _nothing(name: str) -> None:
    """No test is at work."""


def _die(name: str) -> None:
    armed = Path(settings.DIE_AT) / name
    try:
        whom = armed.read_text()
        armed.unlink()  # of several processes that get here at once one dies
    except FileNotFoundError:
        return
    if whom == "group":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


point = _die if settings.DIE_AT else _nothing

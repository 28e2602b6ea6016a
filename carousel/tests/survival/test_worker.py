"""A worker ends when it is asked to, whatever has become of its children."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from carousel.celery import STOP_SECONDS
from carousel.tests.survival.installation import LEASE, Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]
LIMIT = LEASE * 9 // 10  # of a task, in seconds


def test_a_worker_with_a_frozen_child_ends_and_takes_it_along(
    installed: Installation, eventually: Any
) -> None:
    worker = installed.start_worker(concurrency=1)
    eventually(lambda: " ready." in installed.tail())
    children = [int(line.split()[0]) for line in installed.members(worker)]
    frozen = max(pid for pid in children if pid != worker.pid)
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LIMIT + STOP_SECONDS + 5) != 0
    assert time.monotonic() - began > LIMIT
    eventually(lambda: not installed.members(worker), 5)
    assert "Timeout (" in (installed.folder / "worker0.log").read_text()

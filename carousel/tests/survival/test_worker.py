"""A worker ends when it is asked to, whatever has become of its children."""

from __future__ import annotations

import os
import signal
import time

import pytest

from carousel.celery import STOP_SECONDS
from carousel.tests.survival.installation import LEASE, Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]
LIMIT = LEASE * 9 // 10  # of a task, in seconds


def test_a_worker_with_a_frozen_child_ends_and_takes_it_along(installed: Installation) -> None:
    worker = installed.start_worker(concurrency=1)
    ends = time.monotonic() + 20
    while " ready." not in installed.tail():
        assert time.monotonic() < ends, installed.tail()
        time.sleep(0.05)
    children = [int(line.split()[0]) for line in installed.members(worker)]
    frozen = max(pid for pid in children if pid != worker.pid)
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LIMIT + STOP_SECONDS + 5) != 0
    assert time.monotonic() - began > LIMIT
    ends = time.monotonic() + 5
    while installed.members(worker):
        assert time.monotonic() < ends, installed.members(worker)
        time.sleep(0.05)
    assert "Timeout (" in (installed.folder / "worker0.log").read_text()

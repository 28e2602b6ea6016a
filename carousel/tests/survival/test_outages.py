"""Servers, workers and clocks fail in the middle of work, and every row comes to its right end.

One installation stays up for all of it, as in life, with two beats. Each test prints how long it
took from the end of the outage until the last row was at rest.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connections

from carousel import heartbeat
from carousel.lib.drain import sweep
from carousel.sandbox.server import start
from carousel.tests import seaweed
from carousel.tests.survival.installation import (
    LEASE,
    Installation,
    installation,
    own_database,
)
from carousel.tests.survival.ticks import tick_fast
from carousel.tests.survival.truth import check_charges, check_files, check_posts
from media_cache.models import CacheAsset
from tiktok.models import ProfileMonitoringLog, TikTokProfile, Trigger
from tiktok.services import trigger_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
BOUND = 45  # seconds


class Survival:
    """An installation at work, and what has happened to it so far."""

    def __init__(self, standing: Installation) -> None:
        self.standing = standing
        self.worker = standing.start_worker()
        self.beats = [standing.start_beat(), standing.start_beat()]
        self.handles: list[str] = []
        self.calls_lost = 0

    def begin(self) -> None:
        """Have one more profile fetched, and return in the middle of it."""
        handle = f"creator.{len(self.handles) + 1}"
        self.handles.append(handle)
        user_id = self.standing.sandbox.truth(handle)["userId"]
        profile = TikTokProfile.objects.create(tiktok_user_id=user_id, handle=handle)
        before = self.standing.stored()
        trigger_run(profile, trigger=Trigger.MANUAL)
        self.wait(lambda: self.standing.stored() >= before + 4)
        assert self.standing.unsettled()

    def wait(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for something to become true."""
        ends = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends, f"{self.standing.unsettled()}\n{self.standing.tail()}"
            time.sleep(0.02)

    def check(self) -> None:
        """Everything is as if nothing had happened."""
        assert self.standing.failures() == []
        check_posts(self.standing.sandbox, self.handles)
        check_charges(self.standing.sandbox, deaths=self.calls_lost)
        assert ProfileMonitoringLog.objects.count() == len(self.handles)
        assert self.standing.ended() == [], self.standing.tail()


@pytest.fixture(scope="module")
def survival(
    servers: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Survival]:
    """One worker for every queue, and beat twice."""
    with django_db_blocker.unblock(), own_database(), start(seed=1, now=time.time()) as world:
        redis.Redis.from_url(settings.REDIS_URL).flushall()
        tick_fast()
        with installation(world, tmp_path_factory.mktemp("standing")) as made:
            yield Survival(made)


Over = Callable[..., None]


@pytest.fixture
def over(
    survival: Survival, tell: Callable[[str], None], request: pytest.FixtureRequest
) -> Iterator[Over]:
    """To be called at the end of the outage; so many paid calls may have been for nothing."""
    survival.begin()
    moments: list[float] = []

    def say(*, calls_lost: int = 0) -> None:
        moments.append(time.monotonic())
        survival.calls_lost += calls_lost

    yield say
    survival.standing.settle(BOUND)
    tell(f"{request.node.name}: {time.monotonic() - moments[-1]:.1f} s (bound {BOUND} s)")
    survival.check()


def test_redis_wiped(over: Over) -> None:
    for _ in range(3):
        redis.Redis.from_url(settings.REDIS_URL).flushall()
        time.sleep(0.3)
    over()


def test_redis_killed_and_empty_afterwards(over: Over, servers: Any) -> None:
    os.kill(servers.valkey.process.pid, signal.SIGKILL)
    time.sleep(2)
    servers.valkey.start()
    servers.valkey.wait_ready()
    over()


def test_broker_unreachable_for_a_minute(over: Over, servers: Any) -> None:
    os.kill(servers.valkey.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert sweep(CacheAsset) == 0  # somebody wants to wake workers meanwhile
        assert time.monotonic() - began < 8
        time.sleep(began + 60 - time.monotonic())
    finally:
        os.kill(servers.valkey.process.pid, signal.SIGCONT)
    over()


def test_database_restarted_and_killed(over: Over, servers: Any) -> None:
    for stop in (servers.postgres.stop, lambda: os.kill(servers.postgres.process.pid, 9)):
        stop()
        time.sleep(1.5)
        servers.postgres.start()
        servers.postgres.wait_ready()
        connections.close_all()
        time.sleep(0.5)
    over(calls_lost=4)


def test_upstream_down(over: Over, survival: Survival) -> None:
    faults = survival.standing.sandbox.faults
    for path, fault in (("/cdn/", "dropped"), ("/v", "http_503"), ("/gemini/", "http_503")):
        faults.add(path, fault)
    time.sleep(6)
    faults.clear()
    over()


def test_a_worker_frozen_for_longer_than_its_lease(over: Over, survival: Survival) -> None:
    os.killpg(survival.worker.pid, signal.SIGSTOP)
    heir = survival.standing.start_worker()
    time.sleep(LEASE + 4)
    os.killpg(survival.worker.pid, signal.SIGCONT)  # it goes on with what is no longer its own
    over(calls_lost=2)
    survival.standing.settle(BOUND)
    survival.standing.stop(survival.worker)
    survival.worker = heir


def test_the_head_of_a_worker_killed(over: Over, survival: Survival) -> None:
    """What it started must not live on without it."""
    headless = survival.worker
    survival.standing.stopped.append(headless)
    headless.send_signal(signal.SIGKILL)
    survival.worker = survival.standing.start_worker()
    over(calls_lost=2)
    survival.standing.settle(BOUND)
    survival.wait(lambda: not survival.standing.members(headless))


def seconds_between(earlier: heartbeat.Pulse, later: heartbeat.Pulse) -> float:
    assert earlier.last_seen is not None
    assert later.last_seen is not None
    return (later.last_seen - earlier.last_seen).total_seconds()


def test_clocks_that_are_wrong_and_set_right(over: Over, survival: Survival) -> None:
    """A worker's clock is five minutes fast; beat's is an hour fast and then set back."""
    standing = survival.standing
    fast, mended = standing.folder / "fast", standing.folder / "mended"
    fast.write_text("300")
    mended.write_text("3600")
    standing.stop(survival.worker, *survival.beats)
    survival.worker = standing.start_worker(clock=fast)
    survival.beats = [standing.start_beat(clock=mended)]
    standing.settle(BOUND)
    mended.write_text("0")
    before = heartbeat.pulses()
    survival.begin()
    over()
    survival.wait(
        lambda: all(
            seconds_between(before[queue], pulse) > 4 for queue, pulse in heartbeat.pulses().items()
        )
    )


def test_storage_down(over: Over, survival: Survival, tmp_path: Any) -> None:
    standing = survival.standing
    standing.settle(BOUND)
    check_files(standing.folder / "media")
    ports = seaweed.free_ports(5)
    standing.stop(survival.worker)
    with seaweed.seaweed(tmp_path, ports) as r2:
        standing.extra |= r2
        survival.worker = standing.start_worker()
        survival.begin()
    time.sleep(5)
    with seaweed.seaweed(tmp_path, ports) as r2:
        over()
        standing.settle(BOUND)
        bucket = seaweed.client(r2)
        for asset in CacheAsset.objects.order_by("-stored_at")[:30]:
            found = bucket.head_object(Bucket=seaweed.BUCKET, Key=asset.storage_key)
            assert found["ContentLength"] == asset.byte_size


def test_nothing_is_left_running(survival: Survival) -> None:
    survival.standing.check_leaks()

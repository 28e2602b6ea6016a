"""The rate limit that all workers share."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest

from carousel.lib import limits
from carousel.lib.errors import NotNow

pytestmark = pytest.mark.usefixtures("empty_redis")


def spend_all(name: str, per_minute: int, tries: int = 1000) -> int:
    """How many calls pass until one is held back."""
    for done in range(tries):
        try:
            limits.spend(name, per_minute)
        except NotNow:
            return done
    return tries


def refusal(name: str, per_minute: int) -> NotNow:
    """What the first call that is held back is told."""
    try:
        while True:
            limits.spend(name, per_minute)
    except NotNow as exc:
        return exc


def test_a_tenth_may_be_spent_at_once_and_then_one_after_another() -> None:
    assert spend_all("a", 600) in (60, 61)
    refused = refusal("a", 600)
    assert "600 a minute" in str(refused)
    assert 0 < refused.wait <= 60 / 541 + 0.01


def test_the_wait_is_the_time_until_the_next_one_is_free() -> None:
    time.sleep(refusal("b", 1200).wait + 0.005)
    limits.spend("b", 1200)


@pytest.mark.parametrize("per_minute", [1, 2, 9])
def test_a_small_limit_lets_one_pass_at_a_time(per_minute: int) -> None:
    assert spend_all("c", per_minute) == 1


def test_limits_of_different_names_are_apart() -> None:
    assert spend_all("d", 1) == 1
    assert spend_all("e", 1) == 1


def test_many_threads_together_spend_no_more() -> None:
    passed: list[int] = []

    def spend() -> None:
        passed.append(spend_all("f", 100))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert 10 <= sum(passed) <= 12


def test_holding_stops_everybody_for_so_long() -> None:
    limits.hold("g", 0.2)
    limits.hold("g", 0.1)  # a shorter one doesn't end it
    with pytest.raises(NotNow) as caught:
        limits.spend("g", 1000)
    assert 0.1 < caught.value.wait <= 0.2
    time.sleep(caught.value.wait + 0.01)
    limits.spend("g", 1000)


def test_without_redis_nothing_is_held_back_and_that_is_said_once(
    settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_down_until", float("-inf"))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with caplog.at_level(logging.WARNING):
        assert spend_all("h", 1, tries=20) == 20
    assert len([r for r in caplog.records if "rate limit is off" in r.message]) == 1


def test_a_wiped_redis_starts_over(empty_redis: None) -> None:
    import redis
    from django.conf import settings

    assert spend_all("i", 1) == 1
    redis.Redis.from_url(settings.REDIS_URL).flushall()
    limits.spend("i", 1)

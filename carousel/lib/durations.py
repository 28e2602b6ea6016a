"""How long rows were worked on, counted in Redis for all workers on all machines.

Counters and no history: what Prometheus wants, at the price of one round trip per drain. Redis is
disposable: wiped, they begin again at nothing, which whoever reads counters is prepared for.
"""

from __future__ import annotations

import bisect
import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import redis
from django.conf import settings

if TYPE_CHECKING:
    from carousel.lib.work import Work

logger = logging.getLogger(__name__)

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)  # seconds
RETRY_REDIS = 5.0  # seconds without Redis before it is asked again
SUM = "sum"

_counted: Counter[str] = Counter()  # rows by model and bucket, milliseconds by model
_lock = threading.Lock()
_down_until = float("-inf")


@dataclass(frozen=True, slots=True)
class Durations:
    """Rows of one kind by the time they were in hand: ``counts`` per bucket, seconds in all."""

    counts: tuple[int, ...]
    seconds: float


@contextlib.contextmanager
def measured(rows: Sequence[Work]) -> Iterator[None]:
    """Count each row, all of one model, by the time that the block takes."""
    began = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - began
        label = rows[0]._meta.label
        with _lock:
            _counted[f"{label}|{bisect.bisect_left(BOUNDS, seconds)}"] += len(rows)
            _counted[f"{label}|{SUM}"] += round(1000 * seconds * len(rows))


def flush() -> None:
    """Add what was counted in this process to the numbers of all. Without Redis it is kept."""
    global _down_until
    with _lock:
        if not _counted or time.monotonic() < _down_until:
            return
        counted = _counted.copy()
        _counted.clear()
    try:
        with _redis(settings.REDIS_URL).pipeline(transaction=True) as pipe:
            for name, number in counted.items():
                pipe.hincrby(_key(), name, number)
            pipe.execute()
    except (redis.RedisError, OSError) as exc:
        _down_until = time.monotonic() + RETRY_REDIS
        logger.warning("Durations are not counted while Redis is down: %s", exc)
        with _lock:
            _counted.update(counted)


def durations() -> dict[str, Durations]:
    """By model, such as ``ocr.Reading``, since Redis was last empty. Raises redis.RedisError."""
    found = _redis(settings.REDIS_URL).hgetall(_key())
    numbers = {str(name): int(number) for name, number in found.items()}
    return {
        label: Durations(
            tuple(numbers.get(f"{label}|{place}", 0) for place in range(len(BOUNDS) + 1)),
            numbers.get(f"{label}|{SUM}", 0) / 1000,
        )
        for label in sorted({name.partition("|")[0] for name in numbers})
    }


def _key() -> str:
    return f"carousel:{settings.INSTALLATION}:durations"


@lru_cache(maxsize=4)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
    )

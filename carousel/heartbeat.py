"""Proof that messages are consumed, not just that workers exist.

Beat puts a tiny task on each queue; whoever takes it writes the time into one hash in Redis.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

KEY = "carousel:heartbeat"
QUEUES = (*settings.QUEUES, "default")
LATE = timedelta(seconds=4 * settings.HEARTBEAT_SECONDS)
# A worker may be in the middle of a step, which the time limit bounds.
MISSING = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 2 * settings.HEARTBEAT_SECONDS)


@dataclass(frozen=True, slots=True)
class Pulse:
    """One queue: ``ok``, ``late`` (busy, or slow) or ``missing``, and when it was last seen."""

    status: str
    last_seen: datetime | None


def beat(queue: str) -> None:
    """Write down that a message of ``queue`` is being consumed now."""
    with _redis() as client:
        client.hset(KEY, queue, str(_now(client).timestamp()))


def pulses() -> dict[str, Pulse]:
    """The state of every queue's workers. Raises redis.RedisError."""
    with _redis() as client:
        seen: dict[bytes, bytes] = client.hgetall(KEY)
        now = _now(client)
    return {queue: _pulse(seen.get(queue.encode()), now) for queue in QUEUES}


def worst(found: dict[str, Pulse]) -> str:
    """One word for all queues."""
    words = {pulse.status for pulse in found.values()}
    return next((word for word in ("missing", "late") if word in words), "ok")


def ping() -> None:
    """Ask Redis for a sign of life. Raises redis.RedisError, within two seconds."""
    with _redis() as client:
        client.ping()


def _now(client: redis.Redis) -> datetime:
    """By Redis's clock: whoever beats and whoever looks may be on machines that disagree."""
    seconds, microseconds = client.time()
    return datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)


def _pulse(raw: bytes | None, now: datetime) -> Pulse:
    if raw is None:
        return Pulse("missing", None)
    seen = datetime.fromtimestamp(float(raw), UTC)
    age = now - seen
    return Pulse("ok" if age <= LATE else "late" if age <= MISSING else "missing", seen)


def _redis() -> redis.Redis:
    """A connection of its own that gives up at once: what asks must never hang."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=1,
        socket_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )

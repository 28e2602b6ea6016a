"""One rate limit for all workers on all machines, kept in Redis.

A token bucket in one key (the generic cell rate algorithm), on Redis's own clock. Redis is
disposable: while it is down nothing is held back, with a warning, as the other side has its own
limit and answers 429.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

from carousel.lib.errors import NotNow

logger = logging.getLogger(__name__)

# The bucket is the moment at which it will be full again, in microseconds. Taking a token moves
# it one interval on; it may run ahead of the clock by `burst` intervals.
TAKE = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = tonumber(redis.call('GET', KEYS[2]) or 0)
if held > now then return held - now end
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local early = full + interval - burst * interval - now
if early > 0 then return early end
redis.call('SET', KEYS[1], string.format('%.0f', full + interval), 'PX',
           math.ceil((full + interval - now) / 1000) + 1)
return 0
"""
HOLD = """
local now = redis.call('TIME')
local ends = now[1] * 1000000 + now[2] + tonumber(ARGV[1])
if ends > tonumber(redis.call('GET', KEYS[1]) or 0) then
    redis.call('SET', KEYS[1], string.format('%.0f', ends), 'PX', math.ceil(ARGV[1] / 1000) + 1)
end
return 0
"""
# A sorted set: what is held, by the moment at which its hold ends.
HOLD_ONE = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
redis.call('PEXPIRE', KEYS[1], math.ceil((last - now) / 1000) + 1)
return 0
"""
HELD = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local found = redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf', 'WITHSCORES')
for i = 2, #found, 2 do found[i] = string.format('%.0f', found[i] - now) end
return found
"""
MINUTE = 60_000_000  # microseconds
LOOK_EVERY = 1.0  # seconds for which what others hold may be unknown here
RETRY_REDIS = 5.0  # seconds without Redis before it is asked again

_down_until = float("-inf")


def spend(name: str, per_minute: int) -> None:
    """Take one of ``per_minute`` calls; no 60 s see more of them. Raises NotNow if none is left.

    A tenth of them may be made at once. ``NotNow.wait`` is the time until the next is free.
    """
    burst = max(1, per_minute // 10)
    interval = MINUTE / (per_minute - burst + 1)
    wait = _ask(TAKE, [_key(name), _key(name, "held")], [interval, burst])
    if wait:
        raise NotNow(f"The rate limit of {name} ({per_minute} a minute) is used up.", wait=wait)


def hold(name: str, seconds: float) -> None:
    """Let nobody spend for so long: the other side has asked everybody to slow down."""
    _ask(HOLD, [_key(name, "held")], [seconds * 1_000_000])


def _key(name: str, what: str = "bucket") -> str:
    return f"{{carousel:{settings.INSTALLATION}:limit:{name}}}:{what}"


def _ask(script: str, keys: list[str], args: list[float]) -> float:
    """Run a script; returns seconds. While Redis is down: 0, at once."""
    found = _run(script, keys, args)
    return 0.0 if found is None else float(str(found)) / 1_000_000


def _run(script: str, keys: Sequence[str], args: Sequence[str | float]) -> Any:
    """Run a script. While Redis is down: None, at once."""
    global _down_until
    if time.monotonic() < _down_until:
        return None
    try:
        return _redis(settings.REDIS_URL).eval(script, len(keys), *keys, *args)
    except (redis.RedisError, OSError) as exc:
        _down_until = time.monotonic() + RETRY_REDIS
        logger.warning("Redis is down, so the rate limit is off here: %s", exc)
        return None


@lru_cache(maxsize=4)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


class Holds:
    """Named things, of any number, that nobody should use for a while: in any process.

    Asking costs no call to Redis: what others hold is looked up once a second at most. While
    Redis is down each process knows only its own. Thread-safe.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._ends: dict[str, float] = {}  # on this process's monotonic clock
        self._looked_at = float("-inf")
        self._looking = threading.Lock()

    def hold(self, thing: str, seconds: float) -> None:
        """Let nobody use it for so long; a hold that ends later stays."""
        ends = time.monotonic() + seconds
        self._ends[thing] = max(ends, self._ends.get(thing, ends))
        _run(HOLD_ONE, [_key(self._name, "held")], [thing, seconds * 1_000_000])

    def left(self, thing: str) -> float:
        """Seconds for which it is still held; 0 if it is not."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY and self._looking.acquire(blocking=False):
            try:
                self._looked_at = now
                self._look()
            finally:
                self._looking.release()
        ends = self._ends.get(thing)
        return 0.0 if ends is None else max(0.0, ends - time.monotonic())

    def known(self) -> dict[str, float]:
        """What is held as far as this process knows, with the seconds left."""
        now = time.monotonic()
        return {thing: ends - now for thing, ends in self._ends.items() if ends > now}

    def forget(self) -> None:
        """Hold nothing any more, and nobody else either, from their next look on."""
        self._ends = {}
        with contextlib.suppress(redis.RedisError, OSError):
            _redis(settings.REDIS_URL).delete(_key(self._name, "held"))

    def _look(self) -> None:
        found = _run(HELD, [_key(self._name, "held")], [])
        now = time.monotonic()
        ends = {thing: moment for thing, moment in self._ends.items() if moment > now}
        for thing, left in zip((found or [])[::2], (found or [])[1::2], strict=True):
            name = thing.decode()
            ends[name] = max(now + float(left) / 1_000_000, ends.get(name, now))
        self._ends = ends

"""One rate limit for all workers on all machines, kept in Redis.

A token bucket in one key (the generic cell rate algorithm), on Redis's own clock. Redis is
disposable: while it is down nothing is held back, with a warning, as the other side has its own
limit and answers 429.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache

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
MINUTE = 60_000_000  # microseconds
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
    global _down_until
    if time.monotonic() < _down_until:
        return 0.0
    try:
        found = _redis(settings.REDIS_URL).eval(script, len(keys), *keys, *args)
        return float(str(found)) / 1_000_000
    except (redis.RedisError, OSError) as exc:
        _down_until = time.monotonic() + RETRY_REDIS
        logger.warning("Redis is down, so the rate limit is off: %s", exc)
        return 0.0


@lru_cache(maxsize=4)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)

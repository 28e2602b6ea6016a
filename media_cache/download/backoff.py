"""One host's trouble is everybody's: who asks for a pause, or is down, is left alone by all.

A host that answers 429, or anything with a Retry-After, is held at once. One that fails (5xx,
no connection, no answer) is held when it fails twice in a row or has not worked here for a
while, each time for longer; a single broken file among many good ones holds nobody up. After a
hold one download tries the host while the others wait a little longer. An error of a host that is
held, and did not get to the file, says so (``DownloadError.host_down``).
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from carousel.lib.errors import NotNow
from media_cache.download.errors import DownloadError

LONGEST_HOLD = 300.0  # seconds, without a Retry-After
LONGEST_ASKED = 3600.0  # seconds that a Retry-After may hold a host for everybody
TRIAL = 20.0  # seconds that one download may take to show that the host is back
MOST_HOSTS = 10_000  # that are remembered
RECENT = 60.0  # seconds for which a success speaks for a host
# The first hold for an error code, in seconds; doubled with each further failure.
FIRST_HOLD = {"rate_limited": 5.0, "upstream_error": 2.0, "connection_failed": 1.0, "timeout": 1.0}


class SharedHolds(Protocol):
    """Where holds are kept for all processes (``carousel.lib.limits.Holds``)."""

    def hold(self, thing: str, seconds: float) -> None: ...

    def left(self, thing: str) -> float: ...


@dataclass
class _Host:
    """``failures`` in a row; ``suspect`` from a hold to the next good answer; times monotonic."""

    failures: int = 0
    suspect: bool = False
    worked_at: float = float("-inf")
    held_at: float = float("-inf")
    trial_until: float = float("-inf")


class HostBackoff:
    """Which hosts to leave alone. Thread-safe; make one per process and keep it."""

    def __init__(self, holds: SharedHolds) -> None:
        self._holds = holds
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def watching(self, host: str) -> Iterator[None]:
        """Around an exchange with ``host`` (and port). Raises NotNow, before it, while it is held.

        What a ``DownloadError`` from inside says about the host is remembered.
        """
        state = self._state(host)
        is_trial = self._enter(host, state)
        began = time.monotonic()
        try:
            yield
        except DownloadError as error:
            if error.code in FIRST_HOLD:
                down = self._failed(host, state, error, began)
                error.host_down = host if down and error.unavailable else ""
            else:
                _answered(state, began)  # if not with what we wanted
            raise
        else:
            _answered(state, began)
            state.worked_at = began
        finally:
            if is_trial:
                state.trial_until = float("-inf")

    def forget(self) -> None:
        """Start afresh, as a new process does."""
        self._hosts = {}

    def _state(self, host: str) -> _Host:
        state = self._hosts.get(host)
        if state is None:
            if len(self._hosts) >= MOST_HOSTS:
                self._hosts = {}
            state = self._hosts.setdefault(host, _Host())
        return state

    def _enter(self, host: str, state: _Host) -> bool:
        """Whether this exchange is the one that tries a host after a hold."""
        left = self._holds.left(host)
        if left > 0:
            state.suspect = True  # it may have failed in another process
            raise _later(host, left)
        if not state.suspect:
            return False
        with self._lock:
            now = time.monotonic()
            if state.trial_until > now:
                raise _later(host, 1.0)
            state.trial_until = now + TRIAL
        return True

    def _failed(self, host: str, state: _Host, error: DownloadError, began: float) -> bool:
        """Whether the host is held for it, or was already."""
        asked = error.retry_after is not None or error.code == "rate_limited"
        with self._lock:
            is_news = began >= state.held_at
            if not (is_news or asked):
                return True  # it belongs to the trouble that the host is held for
            state.failures += is_news
            alone = state.failures < 2 and began - state.worked_at < RECENT
            if alone and not asked:
                return False
            state.held_at, state.suspect = time.monotonic(), True
            doubled = FIRST_HOLD[error.code] * 2.0 ** min(max(state.failures - 1, 0), 10)
        seconds = min(doubled, LONGEST_HOLD)
        if error.retry_after:
            seconds = min(error.retry_after, LONGEST_ASKED)
        self._holds.hold(host, seconds)
        return True


def _answered(state: _Host, began: float) -> None:
    """An answer to what was asked before the last hold says nothing about the time after it."""
    if began >= state.held_at:
        state.failures, state.suspect = 0, False


def _later(host: str, left: float) -> NotNow:
    """Not all at the same moment: up to a quarter later, or two seconds."""
    wait = left + random.uniform(0, max(2.0, left / 4))
    return NotNow(f"{host} is left alone for a while: it asked for that, or fails.", wait=wait)

"""The sandbox's clock: real time plus what was asked for, so that links can be made to expire."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Seconds since the epoch. With ``frozen_at`` set it stands still but for ``advance``."""

    frozen_at: float | None = None
    _offset: float = 0.0
    _started: float = field(default_factory=time.time)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> float:
        """The sandbox's time in seconds since the epoch, UTC."""
        base = time.time() if self.frozen_at is None else self.frozen_at
        return base + self._offset

    def advance(self, seconds: float) -> float:
        """Move the clock (backwards with a negative number); answers the new time."""
        with self._lock:
            self._offset += seconds
        return self.now()

    def reset(self) -> None:
        """Undo every move."""
        with self._lock:
            self._offset, self._started = 0.0, time.time()

    def elapsed(self) -> float:
        """Seconds of sandbox time since the sandbox started, moves included."""
        start = self._started if self.frozen_at is None else self.frozen_at
        return self.now() - start

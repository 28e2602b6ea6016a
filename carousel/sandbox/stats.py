"""Counters: what was asked, what was answered, how long it took."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from carousel.sandbox.faults import service_of
from carousel.sandbox.wire import Request, Response


@dataclass
class Stats:
    """Requests and answers per endpoint. Thread-safe."""

    _requests: Counter[str] = field(default_factory=Counter)
    _statuses: Counter[str] = field(default_factory=Counter)
    _bytes: Counter[str] = field(default_factory=Counter)
    _seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, request: Request, response: Response, seconds: float) -> None:
        """Count one request that took ``seconds``."""
        endpoint = endpoint_of(request)
        status = "dropped" if response.drop else str(response.status)
        with self._lock:
            self._requests[endpoint] += 1
            self._statuses[f"{endpoint} {status}"] += 1
            self._bytes[endpoint] += len(response.body)
            self._seconds[endpoint] = self._seconds.get(endpoint, 0.0) + seconds

    def count(self, endpoint: str) -> int:
        """How often an endpoint was asked, e.g. ``GET /v1/tiktok/profile``."""
        with self._lock:
            return self._requests[endpoint]

    def listing(self) -> dict[str, Any]:
        """All counters."""
        with self._lock:
            return {
                "requests": dict(self._requests),
                "statuses": dict(self._statuses),
                "bytes": dict(self._bytes),
                "seconds": {name: round(value, 3) for name, value in self._seconds.items()},
            }

    def clear(self) -> None:
        """Begin again at zero."""
        with self._lock:
            for counter in (self._requests, self._statuses, self._bytes, self._seconds):
                counter.clear()


def endpoint_of(request: Request) -> str:
    """The request's endpoint without what varies: one for all files, ids of Gemini as ``*``."""
    path = request.path
    if service_of(path) == "cdn":
        return f"{request.method} /cdn/"
    if path.startswith("/gemini/"):
        path = re.sub(r"/(models|files|batches)/[^/:]+", r"/\1/*", path)
    return f"{request.method} {path}"

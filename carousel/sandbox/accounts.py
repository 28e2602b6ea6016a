"""The ScrapeCreators account: credits, and the log of what was charged."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


@dataclass
class Account:
    """Credits left and calls made. Thread-safe."""

    credits: int = 1_000_000
    calls: list[Json] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set_balance(self, credits: int) -> None:
        """Put the balance at ``credits``."""
        with self._lock:
            self.credits = credits

    def reset(self, credits: int) -> None:
        """A balance of ``credits`` and no calls yet."""
        with self._lock:
            self.credits = credits
            self.calls.clear()

    def charge(self, price: int) -> bool:
        """Take ``price`` credits if there are as many; says whether."""
        with self._lock:
            if self.credits < price:
                return False
            self.credits -= price
            return True

    def note(
        self, endpoint: str, query: dict[str, str], status: int, price: int, at: float
    ) -> None:
        """Write a call down for the usage endpoints; ``at`` in seconds since the epoch."""
        with self._lock:
            self.calls.append(
                {
                    "id": len(self.calls) + 1,
                    "endpoint": endpoint,
                    "status_code": status,
                    "duration_ms": 800,
                    "success": status == 200,
                    "request_payload": query,
                    "http_method": "GET",
                    "request_time": _iso(at),
                    "credits": price,
                }
            )

    def usage(self, page: int, endpoint: str, status: str) -> list[Json]:
        """A page of 100 calls, newest first, filtered by part of the endpoint and by status."""
        with self._lock:
            found = [
                call
                for call in reversed(self.calls)
                if endpoint in call["endpoint"] and status in ("", str(call["status_code"]))
            ]
        return found[(page - 1) * 100 : page * 100]

    def daily(self) -> list[Json]:
        """Calls and credits per day; the numbers are strings, as in the real answer."""
        days: dict[str, list[int]] = {}
        with self._lock:
            for call in self.calls:
                total = days.setdefault(call["request_time"][:10], [0, 0])
                total[0] += call["credits"]
                total[1] += 1
        return [
            {"usage_date": day, "total_credits": str(paid), "request_count": str(count)}
            for day, (paid, count) in sorted(days.items(), reverse=True)
        ]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

"""Time-ordered identifiers, so that new rows land side by side in every index."""

from __future__ import annotations

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562, section 5.7), ordered within a process to about 250 ns.

    48 bits of milliseconds, 12 bits of the millisecond's fraction (section 6.2, method 3), then
    62 random bits.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    randomness = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | randomness
    return uuid.UUID(int=value)

"""Time-ordered identifiers, so that new rows land side by side in every index."""

from __future__ import annotations

import os
import struct
import time
import uuid

_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62


def uuid7() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562, section 5.7), ordered within a process to about 250 ns.

    48 bits of milliseconds, 12 bits of the millisecond's fraction (section 6.2, method 3), then
    62 random bits.
    """
    return uuid7s(1)[0]


def uuid7s(count: int) -> list[uuid.UUID]:
    """Return ``count`` of them in their order; cheaper than as many calls.

    Their times are 244 ns apart, so the last one's is that much ahead of the clock.
    """
    first = time.time_ns() * 4096 // 1_000_000  # in 4,096ths of a millisecond
    random = struct.unpack(f">{count}Q", os.urandom(8 * count))
    return [
        uuid.UUID(int=t >> 12 << 80 | (t & 0xFFF) << 64 | _VERSION_AND_VARIANT | bits >> 2)
        for t, bits in enumerate(random, first)
    ]

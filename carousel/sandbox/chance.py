"""Chance that repeats itself: every number in the world comes from the seed and a name."""

from __future__ import annotations

import hashlib
import random


def digest(*parts: object) -> bytes:
    """32 bytes that depend on the parts and on nothing else (no ``hash()``, no clock)."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()


def number(*parts: object, bits: int = 64) -> int:
    """An integer of at most ``bits`` bits (up to 256) named by the parts."""
    return int.from_bytes(digest(*parts), "big") >> (256 - bits)


def dice(*parts: object) -> random.Random:
    """A random generator named by the parts."""
    return random.Random(number(*parts, bits=128))


def hexed(length: int, *parts: object) -> str:
    """``length`` (up to 64) hexadecimal digits named by the parts."""
    return digest(*parts).hex()[:length]

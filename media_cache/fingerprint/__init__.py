"""Whether two pictures are the same to the eye: re-encoded, resized, brightened, lightly cropped.

In three steps, each for fewer pictures than the one before: 21 bits in common, found through an
index; 63 bits with few differences, counted by the database; and the two small pictures laid over
each other, compared part by part, so that other words on the same ground are another picture.

Knows no database. Everything starts from a grey square of ``SIDE`` by ``SIDE`` pixels into which
the whole picture was squeezed.
"""

from __future__ import annotations

from media_cache.fingerprint.compare import SAME, likeness
from media_cache.fingerprint.hashes import Hashes, hashes_of, probes_of
from media_cache.fingerprint.square import SIDE, Square, pack, square_of, unpack

__all__ = [
    "SAME",
    "SIDE",
    "Hashes",
    "Square",
    "hashes_of",
    "likeness",
    "pack",
    "probes_of",
    "square_of",
    "unpack",
]

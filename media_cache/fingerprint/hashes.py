"""63 bits that change little when a picture is re-encoded, resized, brightened or cropped.

Each bit says whether one of the lowest frequencies of the picture (discrete cosine transform, 8 by
8 of them without the constant one) is above the median of them all, as the method known as pHash
does. As a crop shifts every frequency, the bits are also taken of the picture within some frames.
For the index the bits are split into three bands; a copy shares a band with its original if all
errors lie in the other bands, or among the bits that were nearest to the median.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_cache.fingerprint.square import SIDE, Square

FREQUENCIES = 8
BITS = FREQUENCIES**2 - 1
BANDS = 3
BAND_BITS = BITS // BANDS
WEAK = 4  # bits nearest to the median: both values are looked for
FLAT = 1.5  # levels of standard deviation, below which a picture has nothing to tell it by

Frame = tuple[float, float, float, float]  # cut from left, right, top, bottom; of the side
_E = 0.045
WHOLE: Frame = (0, 0, 0, 0)
KEPT_FRAMES: tuple[Frame, ...] = (WHOLE, (0.025,) * 4, (0.05,) * 4)
TRIED_FRAMES: tuple[Frame, ...] = (
    *KEPT_FRAMES,
    *((0, _E, 0, 0), (_E, 0, 0, 0), (0, 0, 0, _E), (0, 0, _E, 0)),
    *((0, _E, 0, _E), (0, _E, _E, 0), (_E, 0, 0, _E), (_E, 0, _E, 0)),
)


@dataclass(frozen=True, slots=True)
class Hashes:
    """``whole`` are the bits within each frame, as signed 64-bit numbers; ``bands`` for the index.

    Both are empty for a picture that is all of one shade.
    """

    whole: tuple[int, ...]
    bands: tuple[int, ...]


def hashes_of(square: Square) -> Hashes:
    """What is kept of a picture."""
    if square.std() < FLAT:
        return Hashes((), ())
    above = _above_median(square, KEPT_FRAMES) > 0
    keys = _keys(above)
    return Hashes(_numbers(above), tuple(sorted({int(key) for key in keys.ravel()})))


def probes_of(square: Square) -> Hashes:
    """What to look for, to find the copies of a picture and what it is a copy of."""
    if square.std() < FLAT:
        return Hashes((), ())
    margins = _above_median(square, TRIED_FRAMES)
    above = margins > 0
    flips = _flips(margins)
    keys = _keys(above)[..., None] ^ flips
    return Hashes(_numbers(above), tuple(sorted({int(key) for key in keys.ravel()})))


@cache
def _waves(frames: tuple[Frame, ...], vertical: bool) -> NDArray[np.float32]:
    """Cosines within each frame: (frames, FREQUENCIES, SIDE); pixels outside count nothing."""
    edges = np.arange(SIDE + 1) / SIDE
    found = []
    for left, right, top, bottom in frames:
        start, end = (top, 1 - bottom) if vertical else (left, 1 - right)
        inside = np.clip(edges, start, end)
        middles = np.array([(a + b) / 2 for a, b in pairwise(inside)])
        covered = np.diff(inside) * SIDE
        place = (middles - start) / (end - start)
        found.append(np.cos(np.pi * np.outer(np.arange(FREQUENCIES), place)) * covered)
    return np.array(found, dtype=np.float32)


@cache
def _order() -> NDArray[np.intp]:
    """Low frequencies first, so that each band gets some of each height."""
    grid = [(k, n) for k in range(FREQUENCIES) for n in range(FREQUENCIES) if k + n]
    grid.sort(key=lambda pair: (sum(pair), pair[0]))
    dealt = [pair for band in range(BANDS) for pair in grid[band::BANDS]]
    return np.array([k * FREQUENCIES + n for k, n in dealt])


def _above_median(square: Square, frames: tuple[Frame, ...]) -> NDArray[np.float32]:
    """How far each frequency is above the median of all: (frames, BITS), band by band."""
    partly = _waves(frames, True) @ square
    found = partly @ _waves(frames, False).transpose(0, 2, 1)
    chosen = found.reshape(len(frames), -1)[:, _order()]
    above = chosen - np.median(chosen, axis=1, keepdims=True)
    return above.astype(np.float32)


def _powers() -> NDArray[np.int64]:
    return np.left_shift(np.int64(1), np.arange(BAND_BITS, dtype=np.int64))


def _keys(above: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A number for each frame and band, with the band's own number in front."""
    banded = above.reshape(-1, BANDS, BAND_BITS)
    tags = np.arange(BANDS, dtype=np.int64) << BAND_BITS
    return banded @ _powers() | tags


def _flips(margins: NDArray[np.float32]) -> NDArray[np.int64]:
    """Every way to turn the weakest bits of each band: (frames, BANDS, 2 ** WEAK)."""
    strength = np.abs(margins.reshape(-1, BANDS, BAND_BITS))
    weakest = np.argsort(strength, axis=-1)[..., :WEAK]
    masks = _powers()[weakest]
    ways = (np.arange(2**WEAK)[:, None] >> np.arange(WEAK)) & 1
    turned: NDArray[np.int64] = masks @ ways.T
    return turned


def _numbers(above: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(_number(row) for row in above)


def _number(bits: Sequence[Any] | NDArray[np.bool_]) -> int:
    return int("".join("1" if bit else "0" for bit in bits), 2)

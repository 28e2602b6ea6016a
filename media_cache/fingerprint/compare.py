"""Two small pictures laid over each other and compared part by part."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from media_cache.fingerprint.hashes import TRIED_FRAMES
from media_cache.fingerprint.square import SIDE, Square

SAME = 0.85  # of likeness, from which on two pictures are the same one
_COARSE, _FINE = 32, 64  # sides at which they are laid over each other
_PART = SIDE // 8  # side of the parts that are compared
_NOISE = 40.0  # square of the levels that differ without meaning anything
_WORST = 2.0  # per cent of the parts that may be as unlike as they want
_FARTHEST = 0.17  # of the side: stretch and shift that are tried
_GAIN = 1.7  # by how much contrast may differ from part to part, where a picture was clipped

# Stretch and shift across, stretch and shift down: position p on the one is
# (1 + stretch) * (p - 1/2) + 1/2 + shift on the other.
Pose = NDArray[np.float64]


def likeness(one: Square, other: Square) -> float:
    """How alike they are in their least alike part: 1 the same, 0 and less nothing in common.

    Other brightness, contrast, size, and edges that were cut off make no difference.
    """
    pose = _laid_over(_shrunk(one, _COARSE), _shrunk(other, _COARSE), _starts(), best=2)
    pose = _laid_over(_shrunk(one, _FINE), _shrunk(other, _FINE), pose, best=1)
    moved, inside = _moved(_smooth(one), pose[0])
    return _agreement(moved, _smooth(other), inside)


@cache
def _starts() -> NDArray[np.float64]:
    """Poses to begin with: either of the two is what is within a frame of the other."""
    found = []
    for left, right, top, bottom in TRIED_FRAMES:
        across, down = 1 - left - right, 1 - top - bottom
        x, y = (left - right) / 2, (top - bottom) / 2
        found.append((across - 1, x, down - 1, y))
        found.append((1 / across - 1, -x / across, 1 / down - 1, -y / down))
    return np.array(found)


def _shrunk(square: Square, side: int) -> Square:
    step = SIDE // side
    return _smooth(square.reshape(side, step, side, step).mean((1, 3)))


def _smooth(square: Square) -> Square:
    padded = np.pad(square, 1, mode="edge")
    wide = padded[:-2] / 4 + padded[1:-1] / 2 + padded[2:] / 4
    smooth: Square = (wide[:, :-2] / 4 + wide[:, 1:-1] / 2 + wide[:, 2:] / 4).astype(np.float32)
    return smooth


def _sampling(side: int, stretch: float, shift: float) -> tuple[Square, NDArray[np.bool_]]:
    """A matrix that takes samples along one axis, and which of them lie inside."""
    place = (np.arange(side) + 0.5) / side - 0.5
    at = ((1 + stretch) * place + 0.5 + shift) * side - 0.5
    inside = (at > -0.5) & (at < side - 0.5)
    at = np.clip(at, 0, side - 1.000001)
    before = at.astype(np.intp)
    weights = np.zeros((side, side), dtype=np.float32)
    rows = np.arange(side)
    weights[rows, before] = 1 - (at - before)
    weights[rows, before + 1] = at - before
    return weights, inside


def _moved(square: Square, pose: Pose) -> tuple[Square, NDArray[np.bool_]]:
    """The picture in this pose, and where there is one."""
    side = len(square)
    across, in_x = _sampling(side, pose[0], pose[1])
    down, in_y = _sampling(side, pose[2], pose[3])
    moved: Square = (down @ square @ across.T).astype(np.float32)
    return moved, np.outer(in_y, in_x)


def _laid_over(
    one: Square, other: Square, starts: NDArray[np.float64], *, best: int
) -> NDArray[np.float64]:
    """The poses, at most ``best``, in which they differ least; the best one first."""
    chosen = starts
    if len(starts) > best:
        errors = [_misfit(one, other, pose) for pose in starts]
        chosen = starts[np.argsort(errors)[:best]]
    refined = [_refined(one, other, pose) for pose in chosen]
    order = np.argsort([_misfit(one, other, pose) for pose in refined])
    return np.array(refined)[order]


def _misfit(one: Square, other: Square, pose: Pose) -> float:
    """Mean difference in levels, brightness and contrast aside."""
    moved, inside = _moved(one, pose)
    a, b = moved[inside], other[inside]
    a, b = a - a.mean(), b - b.mean()
    gain = float(a @ b) / (float(a @ a) + 1e-3)
    return float(np.minimum(np.abs(b - np.clip(gain, 0.3, 3.0) * a), 30).mean())


def _refined(one: Square, other: Square, pose: Pose, steps: int = 6) -> Pose:
    """Gauss-Newton on pose, contrast and brightness; what differs much counts little."""
    side = len(one)
    place = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    pose, gain, offset = pose.copy(), 1.0, 0.0
    damping = np.diag([50.0, 50.0, 50.0, 50.0, 1e-3, 1e-3])
    slopes = np.empty((side, side, 6), dtype=np.float32)
    slopes[..., 5] = 1
    for _ in range(steps):
        moved, inside = _moved(one, pose)
        up, along = np.gradient(moved)
        along *= gain * side / (1 + pose[0])
        up *= gain * side / (1 + pose[2])
        slopes[..., 0], slopes[..., 1] = along * place, along
        slopes[..., 2], slopes[..., 3] = up * place[:, None], up
        slopes[..., 4] = moved
        left = other - (gain * moved + offset)
        weights = inside / (1 + (left / 25) ** 2)
        flat = slopes.reshape(-1, 6)
        weighted = flat * weights.reshape(-1, 1)
        step = np.linalg.solve(weighted.T @ flat + damping, weighted.T @ left.ravel())
        pose = np.clip(pose + np.clip(step[:4], -0.04, 0.04), -_FARTHEST, _FARTHEST)
        gain, offset = float(np.clip(gain + step[4], 0.4, 2.5)), offset + float(step[5])
        if np.abs(step[:4]).max() < 0.1 / side:
            break
    return pose


def _agreement(one: Square, other: Square, inside: NDArray[np.bool_]) -> float:
    """Likeness of the parts, that of the worst but ``_WORST`` per cent: structure, as in SSIM."""
    weight = inside.astype(np.float64)
    count = np.maximum(_sums(weight), 1)
    a, b = one * weight, other * weight
    mean_a, mean_b = _sums(a) / count, _sums(b) / count
    var_a = np.maximum(_sums(a * one) / count - mean_a**2, 0)
    var_b = np.maximum(_sums(b * other) / count - mean_b**2, 0)
    both = _sums(a * other) / count - mean_a * mean_b
    gain = np.clip(np.sqrt((var_b + 1) / (var_a + 1)), 1 / _GAIN, _GAIN)
    alike = (2 * gain * both + _NOISE) / (gain**2 * var_a + var_b + _NOISE)
    whole = count >= 0.7 * _PART**2
    return float(np.percentile(alike[whole], _WORST)) if whole.any() else 0.0


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over every part, wherever it may lie."""
    table = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    k = _PART
    found: NDArray[np.float64] = table[k:, k:] - table[:-k, k:] - table[k:, :-k] + table[:-k, :-k]
    return found

"""Differences between two groups, with 95 % intervals that hold for small ones.

``z`` is the quantile of the normal distribution that says how sure an interval has to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first group's figure less the second's, and where it lies 95 times in 100."""

    effect: float
    low: float
    high: float

    @property
    def is_none_possible(self) -> bool:
        """Whether the two may not differ at all."""
        return self.low <= 0 <= self.high


def z_of_all(comparisons: int) -> float:
    """The ``z`` with which all of so many intervals hold at once, 95 times in 100 (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.025 / max(comparisons, 1))


def compare_means(one: Sequence[float], other: Sequence[float], *, z: float = Z) -> Difference:
    """Welch's interval for the difference of two means; groups may vary differently.

    B. L. Welch, "The generalization of 'Student's' problem when several different population
    variances are involved", Biometrika 34 (1947). Both groups need two values at least.
    """
    effect = fmean(one) - fmean(other)
    shares = [variance(group) / len(group) for group in (one, other)]
    error = sum(shares)
    if not error:
        return Difference(effect, effect, effect)
    freedom = error**2 / sum(
        share**2 / (len(group) - 1) for share, group in zip(shares, (one, other), strict=True)
    )
    margin = t_quantile(freedom, z=z) * math.sqrt(error)
    return Difference(effect, effect - margin, effect + margin)


def t_quantile(freedom: float, *, z: float = Z) -> float:
    """The 97.5 % quantile of Student's t, right to a thousandth from 9 degrees of freedom on; with
    another ``z`` that of its probability.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5.
    """
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def compare_shares(hits: int, n: int, other_hits: int, other_n: int, *, z: float = Z) -> Difference:
    """Newcombe's hybrid score interval for the difference of two proportions.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10. Both groups need one member at least.
    """
    one, other = hits / n, other_hits / other_n
    low, high = wilson(hits, n, z=z)
    other_low, other_high = wilson(other_hits, other_n, z=z)
    effect = one - other
    return Difference(
        effect,
        effect - math.hypot(one - low, other_high - other),
        effect + math.hypot(high - one, other - other_low),
    )


def wilson(hits: int, n: int, *, z: float = Z) -> tuple[float, float]:
    """Wilson's score interval for one proportion."""
    share, z2 = hits / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    margin = z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return middle - margin, middle + margin

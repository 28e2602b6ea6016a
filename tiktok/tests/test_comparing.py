"""Intervals against published and hand-computed ones."""

from __future__ import annotations

import pytest

from tiktok.services.comparing import (
    compare_means,
    compare_shares,
    t_quantile,
    wilson,
    z_of_all,
)


def test_shares_have_the_interval_of_newcombes_paper() -> None:
    found = compare_shares(56, 70, 48, 80)  # his table II, method 10
    assert found.effect == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    found = compare_shares(10, 10, 0, 10)
    assert (found.effect, round(found.low, 4)) == (1, 0.6075)
    assert found.high == pytest.approx(1)


def test_one_share_has_wilsons_interval() -> None:
    low, high = wilson(0, 10)
    assert low == pytest.approx(0)
    assert high == pytest.approx(0.2775, abs=1e-4)


@pytest.mark.parametrize(("freedom", "tabled"), [(9, 2.262), (20, 2.086), (1e6, 1.96)])
def test_the_quantile_of_t_is_the_tables(freedom: float, tabled: float) -> None:
    assert t_quantile(freedom) == pytest.approx(tabled, abs=1e-3)


def test_means_have_welchs_interval() -> None:
    # Variances 2.5 and 10, so the error is sqrt(0.5 + 2) and freedom 6.25 / (0.25/4 + 4/4) = 5.88;
    # t there is 2.459.
    found = compare_means([1, 2, 3, 4, 5], [2, 4, 6, 8, 10])
    assert found.effect == -3
    assert found.high == pytest.approx(-3 + 2.459 * 2.5**0.5, abs=0.01)
    assert found.low == pytest.approx(-3 - 2.459 * 2.5**0.5, abs=0.01)
    same = compare_means([2, 2], [1, 1, 1])
    assert (same.low, same.effect, same.high) == (1, 1, 1)


def test_all_of_many_intervals_hold_at_once_if_each_is_surer() -> None:
    assert z_of_all(1) == pytest.approx(1.96, abs=1e-3)
    assert z_of_all(10) == pytest.approx(2.807, abs=1e-3)  # of a normal distribution, 0.9975
    usual, surer = compare_shares(56, 70, 48, 80), compare_shares(56, 70, 48, 80, z=z_of_all(10))
    assert surer.low < usual.low < usual.high < surer.high
    assert (usual.is_none_possible, surer.is_none_possible) == (False, True)
    # t with 9 degrees of freedom at 0.9975 is 3.690 (tables)
    assert t_quantile(9, z=z_of_all(10)) == pytest.approx(3.69, abs=0.02)

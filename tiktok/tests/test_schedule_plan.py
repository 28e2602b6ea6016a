"""The adaptive schedule: more where more is expected, within bounds, for what may be spent."""

from __future__ import annotations

import math
import random
from statistics import mean

import pytest

from tiktok.schedule import (
    DAY,
    HOUR,
    Bounds,
    Rhythm,
    first_price,
    next_look,
    reprice,
    rhythm,
)

NOW = 1_790_000_000.0 // DAY * DAY
WIDE = Bounds(60.0, 100 * DAY)
EVEN = (1.0,) * 24


def test_at_a_constant_rate_the_distance_is_the_cube_root_of_the_price() -> None:
    for per_day, price in [(0.1, 0.2), (1.0, 0.1), (8.0, 0.01), (3.0, 1.0)]:
        best = math.cbrt(1.5 * price / per_day)
        close = Bounds(60.0, 3 * DAY)  # in steps of a quarter of an hour
        plan = next_look(Rhythm(per_day, EVEN), [], NOW + 1234.0, price, close)
        assert plan.seconds == pytest.approx(best * DAY, abs=HOUR / 4)
        assert plan.expected_posts == pytest.approx(per_day * plan.seconds / DAY)


def test_equal_prices_are_better_than_equal_distances() -> None:
    """The rule's own claim, for known rates: less waiting, squared, for the same looks."""
    chance = random.Random(5)
    rates = [math.exp(chance.gauss(-1, 1.2)) for _ in range(300)]
    looks = [DAY / next_look(Rhythm(r, EVEN), [], NOW, 0.1, WIDE).seconds for r in rates]
    waiting = sum(rate / look**2 / 3 for rate, look in zip(rates, looks, strict=True))
    same = sum(rate / mean(looks) ** 2 / 3 for rate in rates)
    assert waiting < 0.75 * same


def test_a_look_comes_after_the_hours_of_posts_never_just_before() -> None:
    """Posts come between 18 and 19 o'clock only: from 20 o'clock on, a look waits for them."""
    hours = tuple(24.0 if hour == 18 else 0.0 for hour in range(24))
    for price in (0.01, 0.1, 0.3):
        plan = next_look(Rhythm(1.0, hours), [], NOW + 20 * HOUR, price, Bounds(HOUR, 3 * DAY))
        assert 18.5 * HOUR <= (NOW + 20 * HOUR + plan.seconds - NOW) % DAY <= 19.5 * HOUR


def test_the_bounds_are_kept() -> None:
    bounds = Bounds(2 * HOUR, 3 * DAY)
    assert next_look(Rhythm(50.0, EVEN), [0.1] * 40, NOW, 1e-9, bounds).seconds == 2 * HOUR
    assert next_look(Rhythm(1e-6, EVEN), [], NOW, 1e6, bounds).seconds == 3 * DAY
    assert next_look(Rhythm(0.0, EVEN), [], NOW, 1.0, bounds).seconds == 3 * DAY


def test_young_posts_are_looked_at_sooner_than_old_ones() -> None:
    times = [
        next_look(Rhythm(0.2, EVEN), [age] * 3, NOW, 0.1, WIDE).seconds for age in (0.1, 2, 6, 30)
    ]
    assert times == sorted(times)
    assert times[0] < 0.9 * times[-1]


def test_the_hours_at_which_posts_come_are_the_hours_of_looks() -> None:
    posts = [NOW - day * DAY + 18 * HOUR for day in range(1, 40)]
    found = rhythm(posts, NOW)
    assert found.hours[18] > 5 * found.hours[6]
    assert mean(found.hours) == pytest.approx(1.0)
    looked_at, ends = [], NOW + 10 * DAY
    moment = NOW
    while moment < ends:
        moment += next_look(found, [], moment, 0.02, Bounds(HOUR / 4, DAY)).seconds
        looked_at.append(moment % DAY / HOUR)
    # A quarter of them, if they were spread evenly.
    assert sum(17 <= hour <= 22 for hour in looked_at) > 0.5 * len(looked_at)


def test_a_rate_is_learned_and_fades() -> None:
    chance = random.Random(3)
    busy = [NOW - chance.random() * 40 * DAY for _ in range(80)]
    assert rhythm(busy, NOW).per_day == pytest.approx(2.0, rel=0.4)
    silent = rhythm(busy, NOW + 20 * DAY)
    assert silent.per_day < 0.25
    assert rhythm([], NOW).per_day == rhythm([], NOW + DAY).per_day > 0


def test_posts_of_the_future_and_doubled_times_do_no_harm() -> None:
    assert rhythm([NOW + DAY], NOW) == rhythm([], NOW)
    found = rhythm([NOW, NOW, NOW], NOW)
    assert 0 < found.per_day < 3
    assert math.isfinite(sum(found.hours))


def test_the_price_leads_to_what_may_be_spent() -> None:
    chance = random.Random(4)
    rates = [math.exp(chance.gauss(-1, 1.2)) for _ in range(500)]
    bounds = Bounds(15 * 60.0, 3 * DAY)

    def planned(price: float) -> float:
        return sum(DAY / next_look(Rhythm(r, EVEN), [], NOW, price, bounds).seconds for r in rates)

    for budget in (250.0, 1000.0, 5000.0):
        price = first_price(rates, budget)
        for _ in range(30):
            price = reprice(price, planned(price), budget)
        assert planned(price) == pytest.approx(budget, rel=0.02)


def test_a_price_stays_within_reason() -> None:
    assert reprice(1.0, 0.0, 10.0) == 1.0
    assert reprice(1.0, 10.0, 0.0) == 2.0
    assert reprice(1e6, 1e9, 1.0) == 1e6
    assert reprice(1e-6, 1.0, 1e9) == 1e-6

"""The looks that are best for somebody who knows each profile's habits, but no post beforehand.

Such a one is told how many posts a day a profile makes while it is active, at which hours, and
when its spells of activity begin and end, all of which a real schedule must guess. A timetable
made from that is the limit of what guessing well can reach. It is found hour by hour, backwards
from the end (dynamic programming): at each hour, how long until the next look costs least.

It does not use that some profiles post at regular distances, and looks on the hour.
"""

from __future__ import annotations

import math

import numpy as np
from _creators import HOUR, Habit
from numpy.typing import NDArray

PRICES = (0.01, 10.0)  # between which that price lies at which the looks are as many as may be
HALVINGS = 9

Floats = NDArray[np.float64]


def expected_posts(habit: Habit, begins: float, hours: int) -> Floats:
    """How many posts are to be expected in each hour from ``begins``, a midnight, on."""
    day = habit.per_day * _shares(habit)
    edges = begins + HOUR * np.arange(hours + 1)
    active = np.zeros(hours)
    for start, end in habit.spells:
        within = np.clip(edges, start, end)
        active += np.diff(within) / HOUR
    return np.resize(day, hours) * active


def _shares(habit: Habit) -> Floats:
    """The share of a day's posts in each of its hours."""
    if habit.spread is None:
        return np.full(24, 1 / 24)
    shares = np.zeros(24)
    for peak in habit.peaks:
        for edge in range(-24, 48):
            below, above = (
                math.erf((hour - peak) / habit.spread / math.sqrt(2)) for hour in (edge, edge + 1)
            )
            shares[edge % 24] += (above - below) / 2
    return np.asarray(shares / shares.sum())


def best_gaps(posts: Floats, cost: Floats, price: float) -> NDArray[np.int16]:
    """Hours from a look at each hour to the best next one, for each profile.

    ``posts`` are those expected, profiles x hours. ``cost`` is what a post costs by the hours,
    begun ones counted whole, that it waits; its length is the longest gap.
    """
    count, hours = posts.shape
    longest = len(cost)
    ahead = np.zeros((count, hours + longest))  # the least cost from each hour on
    waiting = np.zeros((count, longest))
    gaps = np.zeros((count, hours), np.int16)
    everyone = np.arange(count)
    for hour in range(hours - 1, -1, -1):
        waiting[:, 1:] = waiting[:, :-1].copy()
        waiting[:, 0] = 0
        waiting += posts[:, hour : hour + 1] * cost
        total = waiting + ahead[:, hour + 1 : hour + 1 + longest]
        total[:, : hours - hour - 1] += price  # a look after the end costs nothing
        found = total.argmin(axis=1)
        gaps[:, hour] = found + 1
        ahead[:, hour] = total[everyone, found]
    return gaps


def best_looks(posts: Floats, cost: Floats, looks: float) -> list[list[int]]:
    """The hours of the looks at each profile, ``looks`` of them in all, or hardly fewer."""
    least, most = PRICES
    best: list[list[int]] = []
    for _ in range(HALVINGS):
        price = math.sqrt(least * most)
        found = [_follow(gaps) for gaps in best_gaps(posts, cost, price)]
        if sum(map(len, found)) > looks:
            least = price
        else:
            most, best = price, found
    if not best:
        raise ValueError("so few looks do not even keep the longest gap")
    return best


def _follow(gaps: NDArray[np.int16]) -> list[int]:
    hours = gaps.tolist()
    at, looks = 0, []
    while at < len(hours):
        looks.append(at)
        at += hours[at]
    return looks


def later_than(limit: float, longest: int) -> Floats:
    """A post costs one if it waits longer than ``limit`` hours; it comes in the middle of one."""
    return np.asarray(np.arange(longest) + 0.5 > limit, np.float64)

"""How soon new posts are seen, and how fresh their numbers are, for the credits it costs.

Made-up profiles with habits from stated distributions are watched for some weeks in simulated
time, by the schedule that the product uses (tiktok.schedule), by (a) the old system, which
fetches all pages of every profile every 24 hours, and by (b) the first page of every profile at
one interval, chosen so that it costs the same as ours. The schedule was tuned on one set of seeds;
the figures come from another.

A look costs a credit, a look at all pages one per page and one for the profile. Ours looks at all
pages of a profile every 60 days, which is part of its price. For the same credits it also makes
the timetables that are best for somebody who knows each profile's habits (_timetable.py): how near
any schedule could come, by the median, by the 95th percentile and by both.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
import time
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
from _bench import conclude, ratio, say
from _creators import EPOCH, PAGE, Profile, world
from _timetable import best_looks, expected_posts, later_than

from tiktok.schedule import (
    DAY,
    GROWS,
    HOUR,
    YOUNG,
    Bounds,
    Rhythm,
    first_price,
    next_look,
    reprice,
    rhythm,
)

TRAINING = (101, 102)
FINAL = (9001, 9002)
BOUNDS = Bounds(15 * 60.0, 3 * DAY)
ALL_PAGES_EVERY = 60.0  # days
PRICE_EVERY = 6 * HOUR


@dataclass
class Outcome:
    """Credits a day and profile; delays in hours of new posts; staleness of young posts."""

    credits: float
    delays: list[float]
    stale_hours: float
    unseen_growth: float

    def figures(self) -> dict[str, Any]:
        ordered = sorted(self.delays)
        return {
            "credits_per_profile_and_day": self.credits,
            "median_delay_hours": ordered[len(ordered) // 2],
            "p95_delay_hours": ordered[int(len(ordered) * 0.95)],
            "mean_delay_hours": sum(ordered) / len(ordered),
            "numbers_of_young_posts_stale_hours": self.stale_hours,
            "views_not_seen_yet_share": self.unseen_growth,
        }


def judge(profiles: list[Profile], credits: float, days: float) -> Outcome:
    """What came of the looks. Posts of the last days, whose time was not up yet, don't count."""
    last = EPOCH + days * DAY - max(BOUNDS.longest, YOUNG * DAY)
    delays: list[float] = []
    stale = unseen = weight = 0.0
    for profile in profiles:
        looks = profile.looks
        for post in profile.posts:
            if not EPOCH <= post < last:
                continue
            index = bisect_right(looks, post)
            seen = looks[index] if index < len(looks) else EPOCH + days * DAY
            delays.append((seen - post) / HOUR)
            age, ends = 0.0, YOUNG
            while age < ends:
                until = min(ends, (looks[index] - post) / DAY) if index < len(looks) else ends
                gap = until - age
                stale += gap * gap / 2
                left = math.exp(-age / GROWS)
                unseen += left * (gap - GROWS * (1 - math.exp(-gap / GROWS)))
                weight += gap
                age, index = until, index + 1
    return Outcome(credits / len(profiles) / days, delays, stale / weight * 24, unseen / weight)


def adaptive(profiles: list[Profile], days: float, budget: float) -> float:
    """Watch by the product's schedule for ``budget`` credits a day; returns what it cost."""
    ends, chance = EPOCH + days * DAY, random.Random(1)
    rest = budget - sum(p.pages for p in profiles) / ALL_PAGES_EVERY
    if rest <= 0:
        raise ValueError("the budget does not even pay for looking at all pages")
    price = first_price([expected(profile, EPOCH).per_day for profile in profiles], rest)
    planned = [DAY] * len(profiles)
    queue = [(EPOCH + chance.random() * DAY, number) for number in range(len(profiles))]
    heapq.heapify(queue)
    whole = [EPOCH + chance.random() * ALL_PAGES_EVERY * DAY for _ in profiles]
    repriced, spent = EPOCH + DAY, 0.0
    while queue[0][0] < ends:
        now, number = queue[0]
        if now >= repriced:
            repriced += PRICE_EVERY
            price = reprice(price, sum(DAY / seconds for seconds in planned), rest)
        profile = profiles[number]
        profile.looks.append(now)
        spent += 1
        if now >= whole[number]:
            spent += profile.pages  # the others, and the profile itself
            whole[number] += ALL_PAGES_EVERY * DAY
        planned[number] = look_again(profile, now, price)
        heapq.heapreplace(queue, (now + planned[number], number))
    return spent


def recent(profile: Profile, now: float) -> list[float]:
    """The posts that the product remembers when it plans: the newest that it has seen."""
    seen = bisect_right(profile.posts, now)
    return profile.posts[max(0, seen - 2 * PAGE) : seen]


def expected(profile: Profile, now: float) -> Rhythm:
    """What a profile is expected to do, by what has been seen of it."""
    return rhythm(recent(profile, now), now)


def look_again(profile: Profile, now: float, price: float) -> float:
    """Seconds from a look until the next."""
    ages = [(now - post) / DAY for post in recent(profile, now)]
    return next_look(expected(profile, now), ages, now, price, BOUNDS).seconds


def fixed(profiles: list[Profile], days: float, interval: float) -> float:
    """A look every ``interval`` seconds, spread evenly over the profiles; returns how many."""
    ends = EPOCH + days * DAY
    for number, profile in enumerate(profiles):
        moment = EPOCH + interval * number / len(profiles)
        while moment < ends:
            profile.looks.append(moment)
            moment += interval
    return sum(len(profile.looks) for profile in profiles)


def to_b(figures: dict[str, Any], b: dict[str, Any]) -> dict[str, float | None]:
    """Delays beside those at a fixed interval."""
    return {
        f"{name}_delay_to_b": ratio(figures[f"{name}_delay_hours"], b[f"{name}_delay_hours"])
        for name in ("median", "p95")
    }


def told(profiles: list[Profile], days: float, looks: float) -> dict[str, Outcome]:
    """What timetables for those who know the habits come to, by what they aim at; of every
    second profile, to save time."""
    sample = profiles[::2]
    looks *= len(sample) / len(profiles)
    longest = round(BOUNDS.longest / HOUR)
    posts = np.array([expected_posts(p.habit, EPOCH, round(days * 24)) for p in sample])
    aims = {
        "most within 2 h": later_than(2, longest),
        "most within 12 h": later_than(12, longest),
        "most within 14 h": later_than(14, longest),
        "some within 4 h, most within 16 h": (later_than(4, longest) / 4 + later_than(16, longest)),
    }
    outcomes = {}
    for aim, cost in aims.items():
        say(f"making the best timetable for {aim}")
        for profile, at in zip(sample, best_looks(posts, cost, looks), strict=True):
            profile.looks = [EPOCH + hour * HOUR for hour in at]
        outcomes[aim] = judge(sample, looks, days)
    return outcomes


def measure(seeds: tuple[int, ...], count: int, days: float) -> dict[str, Any]:
    """Ours, (a) and (b) over the profiles of all seeds."""
    found: dict[str, Any] = {}
    profiles = [p for seed in seeds for p in world(seed, count // len(seeds), days)]
    looks = fixed(profiles, days, DAY)
    per_look = sum(p.pages + 1 for p in profiles) / len(profiles)
    found["a"] = judge(profiles, looks * per_look, days).figures()
    budget = looks * per_look / days / 10
    for profile in profiles:
        profile.looks = []
    spent = adaptive(profiles, days, budget)
    found["ours"] = judge(profiles, spent, days).figures()
    for profile in profiles:
        profile.looks = []
    looks = fixed(profiles, days, DAY * len(profiles) * days / spent)
    found["b"] = judge(profiles, looks, days).figures()
    rest = spent - sum(p.pages for p in profiles) / ALL_PAGES_EVERY * days
    found["told"] = {
        aim: to_b(outcome.figures(), found["b"])
        for aim, outcome in told(profiles, days, rest).items()
    }
    found["posts"] = sum(1 for p in profiles for post in p.posts if post >= EPOCH)
    return found


def main() -> int:
    """Print the figures. Returns 1 if an aim that is kept was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=2000)
    parser.add_argument("--days", type=float, default=60)
    parser.add_argument("--training", action="store_true", help="the seeds it was tuned on")
    args = parser.parse_args()
    seeds = TRAINING if args.training else FINAL
    began = time.monotonic()
    say(f"watching {args.profiles} profiles for {args.days:g} days, three times")
    found = measure(seeds, args.profiles, args.days)
    ours, a, b = found["ours"], found["a"], found["b"]
    figures = {
        **found,
        "seeds": list(seeds),
        **to_b(ours, b),
        "median_delay_to_a": ratio(ours["median_delay_hours"], a["median_delay_hours"]),
        "p95_delay_to_a": ratio(ours["p95_delay_hours"], a["p95_delay_hours"]),
        "credits_to_a": ratio(
            ours["credits_per_profile_and_day"], a["credits_per_profile_and_day"]
        ),
        "seconds": time.monotonic() - began,
    }
    conclude("monitoring", figures)
    reached = figures["median_delay_to_b"] <= 0.5 and figures["median_delay_to_a"] < 1
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

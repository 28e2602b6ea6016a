"""How soon new posts are seen, and how fresh their numbers are, for the credits it costs.

Made-up profiles with habits from stated distributions are watched for some weeks in simulated
time, by the schedule that the product uses (tiktok.schedule), by (a) the old system, which
fetches all pages of every profile every 24 hours, and by (b) the first page of every profile at
one interval, chosen so that it costs the same as ours. The schedule was tuned on one set of seeds;
the figures come from another.

A look costs a credit, a look at all pages one per page and one for the profile. Ours looks at all
pages of a profile every 30 days, which is part of its price.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from _bench import conclude, ratio, say

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
HISTORY = 90.0  # days before the first look, whose last page is known from adding
PAGE = 30
BOUNDS = Bounds(15 * 60.0, 3 * DAY)
ALL_PAGES_EVERY = 30.0  # days
PRICE_EVERY = 6 * HOUR
EPOCH = 1_790_000_000 // DAY * DAY


@dataclass
class Profile:
    """Posts as times in seconds, and how many there were before; looks at it as they happen."""

    posts: list[float]
    pages: int
    looks: list[float] = field(default_factory=list)


def make_profile(chance: random.Random, days: float) -> Profile:
    """A creator: posts a day log-normal around 0.35 (sigma 1.2, at most 12), active and silent
    spells (exponential, 40 and 12 days), two thirds with a window of the day for their posts (one
    or two peaks, spread by 0.5 to 3 hours), a quarter who post in series of two or more, and a
    quarter of those with about a post a day who do so regularly."""
    rate = min(12.0, math.exp(chance.gauss(math.log(0.35), 1.2)))
    peaks = [chance.uniform(0, 24) for _ in range(chance.choice((1, 1, 2)))]
    spread = chance.uniform(0.5, 3.0) if chance.random() < 0.67 else None
    series = 0.4 if chance.random() < 0.25 else 0.0
    regular = 0.4 < rate < 3 and chance.random() < 0.25
    posts: list[float] = []
    begins, ends = EPOCH - HISTORY * DAY, EPOCH + days * DAY
    active, changes = True, begins + chance.expovariate(1 / 40) * DAY
    moment = begins
    pace = rate * (40 + 12) / 40 * (1 - series)
    while moment < ends:
        gap = chance.gauss(1 / pace, 0.15 / pace) if regular else chance.expovariate(pace)
        moment += max(0.01, gap) * DAY
        while moment > changes:
            active = not active
            changes += chance.expovariate(1 / (40 if active else 12)) * DAY
            if active:
                moment = max(moment, changes - 40 * DAY)
        if active:
            _publish(posts, moment, chance, peaks, spread, series)
    before = math.exp(chance.gauss(math.log(150), 1.0))
    return Profile(sorted(p for p in posts if p < ends), max(1, math.ceil(before / PAGE)))


def _publish(
    posts: list[float],
    moment: float,
    chance: random.Random,
    peaks: list[float],
    spread: float | None,
    series: float,
) -> None:
    if spread is not None:
        midnight = moment // DAY * DAY
        moment = midnight + (chance.choice(peaks) + chance.gauss(0, spread)) % 24 * HOUR
    posts.append(moment)
    while chance.random() < series:
        moment += chance.expovariate(1 / 20) * 60
        posts.append(moment)


def world(seed: int, count: int, days: float) -> list[Profile]:
    """Profiles of one seed; the same for every schedule."""
    chance = random.Random(seed)
    return [make_profile(chance, days) for _ in range(count)]


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
    found["posts"] = sum(1 for p in profiles for post in p.posts if post >= EPOCH)
    return found


def main() -> int:
    """Print the figures. Returns 1 if an aim was missed."""
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
        "median_delay_to_b": ratio(ours["median_delay_hours"], b["median_delay_hours"]),
        "p95_delay_to_b": ratio(ours["p95_delay_hours"], b["p95_delay_hours"]),
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

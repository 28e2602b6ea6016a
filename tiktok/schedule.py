"""When to look at a profile again, given what a look costs. Pure; used by product and benchmark.

Waiting costs: each post that is up and not seen yet costs its waiting time (in days), and each
young post whose numbers move unseen costs a part of that. A look ends all of it and costs
credits. For posts that come as a Poisson process of rate r, the waiting that adds up between two
looks at a distance t is r t² / 2, and under a budget for all profiles together the best distances
are those at which it equals one price for everybody: t = sqrt(2 price / r), so that looks go with
the square root of the rate (a Lagrange multiplier, as in Cho and Garcia-Molina 2003, "Effective
page refresh policies for Web crawlers"; Azar et al. 2018, "Tractable near-optimal policies for
crawling", and Kolobov et al. 2019, "Staying up to date with online content changes", arrive at
the same kind of rule: each page by itself against one price, without looking at the others). Here
the rate is not constant: it is learned from the profile's own posts, with weights that fade, as is
the hour of day at which they come; so the waiting is added up hour by hour until it has reached
the price.

The price follows from the budget: ``reprice`` moves it until what is planned costs what may be
spent. Times are seconds since the epoch, hours are UTC's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86_400.0
HOUR = 3_600.0
# Chosen on the training seeds of benchmarks/monitoring.py.
FADES = 5.0  # days after which a post says 1/e as much about today's rate
PRIOR_POSTS, PRIOR_DAYS = 0.2, 2.0  # what is believed of a profile nobody has seen yet
HOURS_PRIOR = 6.0  # posts that must have been seen before the hours say more than "any hour"
HOURS_FADE = 60.0  # days; habits of the day outlast those of the week
KERNEL = (0.5, 0.2, 0.05)  # an hour's post also speaks for the hours beside it
GROWS = 1.5  # days in which a post gains 63 % of its views
GROWTH_WEIGHT = 0.05  # what all of a post's numbers are worth, beside the post itself
YOUNG = 7.0  # days after which a post's numbers hardly move


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is expected of a profile: posts a day at present, and how the day's hours share them
    (24 factors around 1)."""

    per_day: float
    hours: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the longest time between two looks, in seconds. The longest is the promise:
    no post waits longer than that, however little is expected."""

    least: float
    longest: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The next look, ``seconds`` from now, and how many posts are expected until then."""

    seconds: float
    expected_posts: float


def rhythm(published: Sequence[float], now: float, *, since: float | None = None) -> Rhythm:
    """What a profile's posts say of those to come.

    ``published`` are times of all its posts from ``since`` on, in any order; without ``since``
    from the oldest of them, which then only marks the beginning.
    """
    times = sorted(moment for moment in published if moment <= now)
    if since is None and times:
        since, times = times[0], times[1:]
    watched = max(0.0, now - since) / DAY if since is not None else 0.0
    weight = sum(math.exp((moment - now) / DAY / FADES) for moment in times)
    exposure = FADES * (1 - math.exp(-watched / FADES))
    per_day = (PRIOR_POSTS + weight) / (PRIOR_DAYS + exposure)
    return Rhythm(per_day, _hours(times, now))


def _hours(times: Sequence[float], now: float) -> tuple[float, ...]:
    counts = [0.0] * 24
    for moment in times:
        weight = math.exp((moment - now) / DAY / HOURS_FADE)
        hour = int(moment % DAY // HOUR)
        for distance, share in enumerate(KERNEL):
            counts[(hour + distance) % 24] += weight * share
            if distance:
                counts[(hour - distance) % 24] += weight * share
    total = sum(counts)
    mean = (total + HOURS_PRIOR) / 24
    return tuple((count + HOURS_PRIOR / 24) / mean for count in counts)


def next_look(
    expected: Rhythm, ages: Sequence[float], now: float, price: float, bounds: Bounds
) -> Plan:
    """When the waiting since ``now``, the time of a look, will have added up to ``price``.

    ``ages`` are those of the profile's posts, in days; ``price`` is in post-days.
    """
    moving = GROWTH_WEIGHT * sum(math.exp(-age / GROWS) for age in ages if age < YOUNG)
    waiting = posts = passed = 0.0
    left = (HOUR - now % HOUR) / DAY  # to the end of this hour, in days
    hour = int(now % DAY // HOUR)
    longest = bounds.longest / DAY
    while passed < longest:
        rate = expected.per_day * expected.hours[hour % 24]
        unseen = moving * (1 - math.exp(-(passed + left / 2) / GROWS))
        # Of posts, posts + rate t wait after a further t; their days add up to this:
        more = (posts + unseen) * left + rate * left * left / 2
        if waiting + more >= price:
            left = _reached(price - waiting, posts + unseen, rate)
            passed, posts = passed + left, posts + rate * left
            break
        waiting, posts, passed = waiting + more, posts + rate * left, passed + left
        left, hour = 1 / 24, hour + 1
    seconds = min(max(passed * DAY, bounds.least), bounds.longest)
    return Plan(seconds, posts)


def _reached(missing: float, level: float, rate: float) -> float:
    """The t at which level t + rate t² / 2 is ``missing``; all in days."""
    if rate < 1e-12:
        return missing / level if level > 0 else 0.0
    return (math.sqrt(level * level + 2 * rate * missing) - level) / rate


def first_price(rates: Sequence[float], budget: float) -> float:
    """The price at which looks at profiles of these rates cost ``budget`` credits a day.

    One credit a look, constant rates, no bounds: a point to begin at.
    """
    total = sum(math.sqrt(max(rate, 0.01)) for rate in rates)
    return max(1e-6, total * total / (2 * max(budget, 1e-6) ** 2))


def reprice(price: float, planned: float, budget: float) -> float:
    """The next price, after looks for ``planned`` credits a day were planned at this one.

    Distances go with the square root of the price. No step is longer than to half or double.
    """
    if planned <= 0 or budget <= 0:
        return price if budget > 0 else price * 2
    return min(1e6, max(1e-6, price * min(2.0, max(0.5, (planned / budget) ** 2))))

"""When to look at a profile again, given what a look costs. Pure; used by product and benchmark.

Waiting costs the square of its length: a post that is seen a day late is as bad as four that are
seen half a day late. (With the plain length, the posts of quiet profiles pay for all others: the
median is better and the slowest twentieth worse.) A look costs credits, for which there is one
price, the same for all profiles. The next look is at the moment at which price and waiting, shared
by the posts that are expected until then, are least: the lowest cost per post. For posts that come
as a Poisson process of rate r that is a distance of t = cbrt(1.5 price / r). With a rhythm it is
the end of the hours in which posts come, not the middle of them, and never just before.

One price for everybody is the Lagrange multiplier of a budget for all, as in Cho and Garcia-Molina
2003, "Effective page refresh policies for Web crawlers"; Azar et al. 2018, "Tractable near-optimal
policies for crawling", and Kolobov et al. 2019, "Staying up to date with online content changes",
likewise decide for each page by itself against one multiplier. Theirs are other objectives (the
share of pages that are fresh, or the harm of changes not seen); the square and the cost per post
are ours, chosen by measuring. Young posts whose numbers move unseen count as a part of a post. The
rate is learned from the profile's own posts, with weights that fade, as is the hour of day.

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
GROWTH_WEIGHT = 0.5  # what all of a post's numbers are worth, beside the post itself
YOUNG = 7.0  # days after which a post's numbers hardly move
STEP = 1 / 96  # days between the moments that a plan compares; later ones are further apart


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
    """The moment after ``now``, the time of a look, at which a look costs least per post.

    ``ages`` are those of the profile's posts, in days; ``price`` is in posts times days squared.
    Right to a quarter of an hour on the first day and to a hundredth of the distance after it.
    """
    moving = GROWTH_WEIGHT * sum(math.exp(-age / GROWS) for age in ages if age < YOUNG)
    start, first, last = now % DAY / HOUR, bounds.least / DAY, bounds.longest / DAY
    posts = days = squares = passed = 0.0
    best, plan = 1e12, Plan(bounds.longest, 0.0)
    while last - passed > 1e-9:
        step = min(max(STEP, passed * STEP), last - passed)
        middle = passed + step / 2
        came = expected.per_day * expected.hours[int(start + middle * 24) % 24] * step
        grown = moving * (1 - math.exp(-middle / GROWS))
        passed += step
        # What waits: posts, their days, and the squares of those, which grow by twice the days.
        level = posts + came / 2 + grown
        squares += 2 * days * step + level * step * step
        days += level * step
        posts += came
        found = posts + grown
        if passed >= first and price + squares < best * found:
            best, plan = (price + squares) / found, Plan(passed * DAY, posts)
    return Plan(min(max(plan.seconds, bounds.least), bounds.longest), plan.expected_posts)


def first_price(rates: Sequence[float], budget: float) -> float:
    """The price at which looks at profiles of these rates cost ``budget`` credits a day.

    One credit a look, constant rates, no bounds: a point to begin at.
    """
    total = sum(math.cbrt(max(rate, 0.01)) for rate in rates)
    return max(1e-6, total**3 / (1.5 * max(budget, 1e-6) ** 3))


def reprice(price: float, planned: float, budget: float) -> float:
    """The next price, after looks for ``planned`` credits a day were planned at this one.

    Distances go with the cube root of the price. No step is longer than to half or double.
    """
    if planned <= 0 or budget <= 0:
        return price if budget > 0 else price * 2
    return min(1e6, max(1e-6, price * min(2.0, max(0.5, (planned / budget) ** 3))))

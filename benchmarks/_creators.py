"""Made-up creators, whose habits are drawn from stated distributions, and their posts."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

HOUR, DAY = 3_600.0, 86_400.0
HISTORY = 90.0  # days before the first look, whose last page is known from adding
PAGE = 30
EPOCH = 1_790_000_000 // DAY * DAY


@dataclass(frozen=True, slots=True)
class Habit:
    """Posts a day in active spells (begin and end, seconds), and the hours of the day around
    which they come, with their spread in hours; no spread: at any hour."""

    per_day: float
    peaks: tuple[float, ...]
    spread: float | None
    spells: tuple[tuple[float, float], ...]


@dataclass
class Profile:
    """Posts as times in seconds, and how many pages there were before; looks at it as they
    happen. Its habit is for those who may know it."""

    posts: list[float]
    pages: int
    habit: Habit
    looks: list[float] = field(default_factory=list)


def make_profile(chance: random.Random, days: float) -> Profile:
    """A creator: posts a day log-normal around 0.35 (sigma 1.2, at most 12), active and silent
    spells (exponential, 40 and 12 days; of an active one only the last 40 days), two thirds with a
    window of the day for their posts (one or two peaks, spread by 0.5 to 3 hours), a quarter who
    post in series of two or more, and a quarter of those with about a post a day who do so
    regularly."""
    rate = min(12.0, math.exp(chance.gauss(math.log(0.35), 1.2)))
    peaks = [chance.uniform(0, 24) for _ in range(chance.choice((1, 1, 2)))]
    spread = chance.uniform(0.5, 3.0) if chance.random() < 0.67 else None
    series = 0.4 if chance.random() < 0.25 else 0.0
    regular = 0.4 < rate < 3 and chance.random() < 0.25
    posts: list[float] = []
    begins, ends = EPOCH - HISTORY * DAY, EPOCH + days * DAY
    active, changes = True, begins + chance.expovariate(1 / 40) * DAY
    moment = begins
    spells = [(begins, changes)]
    pace = rate * (40 + 12) / 40 * (1 - series)
    while moment < ends:
        gap = chance.gauss(1 / pace, 0.15 / pace) if regular else chance.expovariate(pace)
        moment += max(0.01, gap) * DAY
        while moment > changes:
            active, changed = not active, changes
            changes += chance.expovariate(1 / (40 if active else 12)) * DAY
            if active:
                moment = max(moment, changes - 40 * DAY)
                spells.append((max(changed, changes - 40 * DAY), changes))
        if active:
            _publish(posts, moment, chance, peaks, spread, series)
    before = math.exp(chance.gauss(math.log(150), 1.0))
    habit = Habit(pace / (1 - series), tuple(peaks), spread, tuple(spells))
    return Profile(sorted(p for p in posts if p < ends), max(1, math.ceil(before / PAGE)), habit)


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

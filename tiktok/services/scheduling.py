"""The adaptive schedule, on the database: what each profile's next look is, and what credits are
worth. The rule itself is ``tiktok.schedule``."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from tiktok.models import Schedule, SchedulePrice, TikTokProfile
from tiktok.schedule import (
    Bounds,
    Plan,
    Rhythm,
    first_price,
    next_look,
    reprice,
    rhythm,
)

REMEMBERED = 60  # posts of a profile that are looked at to plan; two pages
PRICE_EVERY = timedelta(hours=6)
MINUTE = 60.0

# What the adaptive profiles were planned to cost a day, what looking at all of their pages costs
# beside it, and what the others cost.
PLANNED = """
SELECT coalesce(sum(1440.0 / coalesce(planned_interval_minutes, monitoring_interval_minutes))
                FILTER (WHERE adaptive), 0)::float,
       coalesce(sum(ceil(total_posts / 30.0)) FILTER (WHERE adaptive), 0)::float,
       coalesce(sum(2 * 1440.0 / monitoring_interval_minutes)
                FILTER (WHERE NOT adaptive), 0)::float,
       coalesce(sum(cbrt(greatest(coalesce(posts_per_day, 0.1), 0.01)))
                FILTER (WHERE adaptive), 0)::float,
       count(*) FILTER (WHERE adaptive)
FROM (
    SELECT *, monitoring_schedule = 'adaptive'
        OR (monitoring_schedule = '' AND %(adaptive)s) AS adaptive
    FROM tiktok_tiktokprofile WHERE monitoring_enabled
) AS watched
"""


def is_adaptive(profile: TikTokProfile) -> bool:
    """Whether its next look is chosen by what is expected of it."""
    return (profile.monitoring_schedule or settings.MONITORING_SCHEDULE) == Schedule.ADAPTIVE


def bounds_of(profile: TikTokProfile) -> Bounds:
    """The least and the longest interval of an adaptive profile: its own, else the settings'."""
    least = profile.monitoring_min_minutes or settings.MONITORING_MIN_MINUTES
    longest = profile.monitoring_max_minutes or settings.MONITORING_MAX_MINUTES
    return Bounds(least * MINUTE, max(least, longest) * MINUTE)


def plan_next_look(profile: TikTokProfile, now: datetime) -> None:
    """Choose an adaptive profile's next look after the one at ``now``; others keep their time."""
    if not is_adaptive(profile):
        return
    times = _published(profile, now)
    expected = rhythm(times, now.timestamp())
    ages = [(now.timestamp() - moment) / 86_400 for moment in times]
    bounds = bounds_of(profile)
    plan = next_look(expected, ages, now.timestamp(), _price(), bounds)
    watched = TikTokProfile.objects.filter(pk=profile.pk)
    watched.update(
        planned_interval_minutes=max(1, round(plan.seconds / MINUTE)),
        posts_per_day=expected.per_day,
        next_run_reason=_reason(expected, plan, bounds, ages),
    )
    due = Now() + timedelta(seconds=plan.seconds)
    watched.filter(monitoring_enabled=True).exclude(next_monitoring_run=None).update(
        next_monitoring_run=due
    )


def next_run_reason(profile: TikTokProfile) -> str:
    """Why a watched profile is next when it is, for people; empty if it isn't watched."""
    if not profile.monitoring_enabled:
        return ""
    if not is_adaptive(profile):
        return f"every {span(profile.monitoring_interval_minutes * MINUTE)}, as set"
    return profile.next_run_reason or "adaptive; nothing is known of it yet"


def adjust_price() -> bool:
    """Let the price follow what was planned since, every few hours. Returns whether it was due."""
    row = SchedulePrice.objects.filter(pk=SchedulePrice.ONLY)
    found = row.values_list("price", flat=True).first()
    due = row.filter(set_at__lte=Now() - PRICE_EVERY)
    if found is not None and not due.update(set_at=Now()):  # somebody else has just done so
        return False
    with connection.cursor() as cursor:
        cursor.execute(PLANNED, {"adaptive": settings.MONITORING_SCHEDULE == Schedule.ADAPTIVE})
        planned, pages, others, roots, profiles = cursor.fetchone()
    if not profiles:
        return False
    budget = _budget(profiles, others) - pages / settings.MONITORING_ADAPTIVE_ALL_PAGES_DAYS
    if found is None:
        price = first_price([(roots / profiles) ** 3] * profiles, max(budget, 0.01))
        SchedulePrice.objects.get_or_create(
            pk=SchedulePrice.ONLY, defaults={"price": price, "set_at": Now()}
        )
    else:
        row.update(price=reprice(found, planned, budget))
    return True


def _budget(profiles: int, others: float) -> float:
    """Credits a day for looks at adaptive profiles.

    What is set for monitoring; else what the budgets leave beside the profiles at fixed
    intervals; else what those profiles would cost at the usual interval, a page each.
    """
    if settings.MONITORING_DAILY_CREDITS is not None:
        return float(settings.MONITORING_DAILY_CREDITS)
    day, month = settings.SCRAPECREATORS_DAILY_BUDGET, settings.SCRAPECREATORS_MONTHLY_BUDGET
    bound = [float(day)] if day is not None else []
    bound += [month / 31] if month is not None else []
    if bound:
        return min(bound) - others
    return profiles * 1440 / settings.MONITORING_INTERVAL_MINUTES


def _price() -> float:
    found = SchedulePrice.objects.filter(pk=SchedulePrice.ONLY).values_list("price", flat=True)
    price = found.first()
    if price is not None:
        return price
    # Until the first is set: that at which one post every two days is looked for daily.
    return first_price([0.5], 1.0)


def _published(profile: TikTokProfile, now: datetime) -> list[float]:
    newest = profile.posts.filter(published_at__lte=now).order_by("-published_at", "-id")
    return [
        moment.timestamp() for moment in newest.values_list("published_at", flat=True)[:REMEMBERED]
    ]


def _reason(expected: Rhythm, plan: Plan, bounds: Bounds, ages: list[float]) -> str:
    told = f"expects {expected.per_day:.1f} posts a day"
    if expected.per_day < 0.1:
        told = f"expects a post in {1 / expected.per_day:.0f} days"
    last = f", last post {span(min(ages) * 86_400)} before the last look" if ages else ""
    limit = ""
    if math.isclose(plan.seconds, bounds.longest):
        limit = " (the longest interval)"
    elif math.isclose(plan.seconds, bounds.least):
        limit = " (the least interval)"
    return f"{told}{last}; next {span(plan.seconds)} after it{limit}"


def span(seconds: float) -> str:
    """A length of time in words: ``45 min``, ``6 h``, ``3 days``."""
    minutes = round(seconds / MINUTE)
    if minutes < 120 and minutes % 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours = minutes / 60
        return f"{hours:.0f} h" if minutes % 60 == 0 or hours >= 10 else f"{hours:.1f} h"
    return f"{minutes / 1440:.0f} days"


def schedule_params() -> dict[str, Any]:
    """What the statement that plans due profiles must know."""
    return {
        "adaptive": settings.MONITORING_SCHEDULE == Schedule.ADAPTIVE,
        "stale": timedelta(days=settings.MONITORING_ALL_PAGES_DAYS),
        "adaptive_stale": timedelta(days=settings.MONITORING_ADAPTIVE_ALL_PAGES_DAYS),
    }

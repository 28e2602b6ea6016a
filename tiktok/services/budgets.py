"""How many credits calls may cost, per day and per month, altogether and for one profile.

Whoever wants to make a call reserves the most it can cost, in the transaction that writes it into
the ledger. That locks the counters of its periods, so workers that ask at the same moment come one
after the other, and those that find nothing left leave no trace. What a call did cost takes the
place of what was reserved as soon as somebody knows. Days and months are UTC's, by the database's
clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from tiktok.models import ApiCall, CreditCount, Period, ProfileMonitoringLog, TikTokProfile
from tiktok.scraper.calls import Call, PlannedCall
from tiktok.scraper.errors import ScrapeError

EXHAUSTED = "budget_exhausted"
LOOK_AGAIN = 3600.0  # seconds between two looks of a waiting row: somebody may raise the budget

# One order for everybody: the shared counters first, and the day before the month.
COUNT = """
INSERT INTO tiktok_creditcount AS counted (period, starts, profile_id, credits)
SELECT period, starts, profile_id, %(credits)s
FROM unnest(%(periods)s::text[], %(starts)s::date[], %(profiles)s::uuid[])
     WITH ORDINALITY AS wanted (period, starts, profile_id, number)
ORDER BY number
ON CONFLICT (period, starts, profile_id)
    DO UPDATE SET credits = counted.credits + excluded.credits
RETURNING period, profile_id, credits
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """A period, its bound (None: without), and what is used or reserved of it, in credits."""

    period: Period
    starts: date
    limit: int | None
    used: int
    profile_id: UUID | None = None  # None: all calls together

    @property
    def ends(self) -> datetime:
        """When the next period begins."""
        return _ends(self.period, self.starts)

    @property
    def exhausted(self) -> bool:
        """Whether not even the cheapest call fits any more."""
        return self.limit is not None and self.used >= self.limit


class BudgetExhausted(ScrapeError):
    """A call that would exceed a budget was not made. ``retry_after`` leads to the next period,
    or to the next look, whichever comes first."""

    def __init__(self, message: str, *, wait: float) -> None:
        """``wait`` is in seconds."""
        super().__init__(
            message, code=EXHAUSTED, retryable=False, retry_after=min(wait, LOOK_AGAIN)
        )


def reserve(planned: PlannedCall, run_id: UUID | None, profile_id: UUID | None) -> None:
    """Write a call into the ledger and take the most it can cost from every budget.

    Raises BudgetExhausted, and writes nothing, where one of them has not that much left.
    """
    with transaction.atomic():
        now = _database_now()
        ApiCall.objects.create(
            pk=planned.id,
            started_at=planned.started_at,
            endpoint=planned.endpoint,
            params=dict(planned.params),
            error_code="in_flight",
            max_credits=planned.max_credits,
            counted_on=now.date(),
            run_id=run_id,
            profile_id=profile_id,
        )
        limits = _limits(profile_id)
        for period, scope, credits in _count(now.date(), profile_id, planned.max_credits):
            limit = limits.get((period, scope))
            if limit is not None and credits > limit:
                raise _exhausted(period, scope, limit, now)


def settle(call: Call) -> None:
    """Write down what became of a call, charge its run, and give back what it did not cost.

    Where nobody knows what it cost, what was reserved stays reserved. May be repeated, also after
    somebody else found out the price.
    """
    with transaction.atomic():
        row = ApiCall.objects.select_for_update(no_key=True).filter(pk=call.id).first()
        if row is None:
            return
        charged = row.credits if call.credits_charged is None else call.credits_charged
        ApiCall.objects.filter(pk=row.pk).update(
            http_status=call.http_status,
            error_code=call.error_code,
            credits=charged,
            credits_remaining=call.credits_remaining,
            duration_ms=call.duration_ms,
        )
        _move(row, charged, remaining=call.credits_remaining)


def settle_price(call_id: UUID, credits: int, **fields: Any) -> bool:
    """Write down what a call of unknown price cost; False if it is known by now."""
    with transaction.atomic():
        unknown = ApiCall.objects.filter(pk=call_id, credits=None)
        row = unknown.select_for_update(no_key=True).first()
        if row is None:
            return False
        ApiCall.objects.filter(pk=row.pk).update(credits=credits, **fields)
        _move(row, credits)
    return True


def assign(call_ids: Sequence[UUID], run: ProfileMonitoringLog) -> None:
    """Charge calls that were made before it was known whom they concern."""
    with transaction.atomic():
        rows = ApiCall.objects.select_for_update(no_key=True).filter(pk__in=call_ids, run=None)
        calls = list(rows.order_by("started_at", "pk"))
        if not calls:
            return
        ApiCall.objects.filter(pk__in=[row.pk for row in calls]).update(
            run_id=run.pk, profile_id=run.profile_id
        )
        _charge_run(run.pk, sum(row.credits or 0 for row in calls), calls[-1].credits_remaining)
        for row in calls:
            if row.counted_on and row.profile_id != run.profile_id:
                counted = _price(row)
                if row.profile_id:
                    _count_profile(row.counted_on, row.profile_id, -counted)
                _count_profile(row.counted_on, run.profile_id, counted)


def budgets(profile: TikTokProfile | None = None) -> list[Budget]:
    """Today's and this month's budgets of all calls; with ``profile``, its own of this month."""
    today = _database_now().date()
    scope = CreditCount.ALL if profile is None else profile.pk
    month = Budget(Period.MONTH, _starts(Period.MONTH, today), None, 0)
    periods = [month] if profile else [Budget(Period.DAY, today, None, 0), month]
    limits = _limits(None if profile is None else profile.pk)
    counted = {
        (row.period, row.starts): row.credits
        for row in CreditCount.objects.filter(
            profile_id=scope, starts__in={period.starts for period in periods}
        )
    }
    return [
        Budget(
            item.period,
            item.starts,
            limits.get((item.period, scope)),
            counted.get((item.period, item.starts), 0),
            None if profile is None else profile.pk,
        )
        for item in periods
    ]


def _limits(profile_id: UUID | None) -> dict[tuple[str, UUID], int | None]:
    found: dict[tuple[str, UUID], int | None] = {
        (Period.DAY, CreditCount.ALL): settings.SCRAPECREATORS_DAILY_BUDGET,
        (Period.MONTH, CreditCount.ALL): settings.SCRAPECREATORS_MONTHLY_BUDGET,
    }
    if profile_id is not None:
        own = TikTokProfile.objects.filter(pk=profile_id)
        own_limit = own.values_list("credit_budget_per_month", flat=True).first()
        found[Period.MONTH, profile_id] = own_limit
    return found


def _move(row: ApiCall, charged: int | None, *, remaining: int | None = None) -> None:
    """Let the run and the counters follow a call whose price has become known."""
    if row.run_id:
        _charge_run(row.run_id, (charged or 0) - (row.credits or 0), remaining)
    counted = row.max_credits if charged is None else charged
    if row.counted_on and counted != _price(row):
        _count(row.counted_on, row.profile_id, counted - _price(row))


def _price(row: ApiCall) -> int:
    """What the counters hold for a call."""
    return row.max_credits if row.credits is None else row.credits


def _charge_run(run_id: UUID, credits: int, remaining: int | None) -> None:
    changes: dict[str, Any] = {"credits_charged": F("credits_charged") + credits}
    if remaining is not None:
        changes["credits_remaining"] = remaining
    ProfileMonitoringLog.objects.filter(pk=run_id).update(**changes)


def _count(day: date, profile_id: UUID | None, credits: int) -> list[tuple[str, UUID, int]]:
    """Add to every counter of a call; returns them as they are then, locked."""
    month = _starts(Period.MONTH, day)
    wanted: list[tuple[str, date, UUID]] = [
        (Period.DAY, day, CreditCount.ALL),
        (Period.MONTH, month, CreditCount.ALL),
    ]
    if profile_id is not None:
        wanted.append((Period.MONTH, month, profile_id))
    return _add(wanted, credits)


def _count_profile(day: date, profile_id: UUID, credits: int) -> None:
    _add([(Period.MONTH, _starts(Period.MONTH, day), profile_id)], credits)


def _add(wanted: list[tuple[str, date, UUID]], credits: int) -> list[tuple[str, UUID, int]]:
    periods, starts, profiles = zip(*wanted, strict=True)
    params: dict[str, Any] = {
        "credits": credits,
        "periods": [str(period) for period in periods],
        "starts": list(starts),
        "profiles": list(profiles),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, params)
        counted: list[tuple[str, UUID, int]] = cursor.fetchall()
        return counted


def _exhausted(period: str, scope: UUID, limit: int, now: datetime) -> BudgetExhausted:
    ends = _ends(Period(period), _starts(Period(period), now.date()))
    if scope == CreditCount.ALL:
        what = f"the {period}'s budget of {limit} credits"
        raise_it = f"raise SCRAPECREATORS_{'DAILY' if period == Period.DAY else 'MONTHLY'}_BUDGET"
    else:
        what = f"the profile's budget of {limit} credits a month"
        raise_it = "raise it on the profile"
    told = f"No call was made: {what} is used up until {ends:%Y-%m-%d %H:%M} UTC. Wait, or "
    return BudgetExhausted(f"{told}{raise_it}.", wait=(ends - now).total_seconds() + 1)


def _starts(period: Period, day: date) -> date:
    return day if period == Period.DAY else day.replace(day=1)


def _ends(period: Period, starts: date) -> datetime:
    following = starts + timedelta(days=1 if period == Period.DAY else 32)
    if period == Period.MONTH:
        following = following.replace(day=1)
    return datetime.combine(following, time(), UTC)


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now.astimezone(UTC)

"""Old snapshots, thinned to one a day: what a number was at a day's end outlives what it was at
noon. The first and the last snapshot of each post and profile stay, whatever their age."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, models

from carousel.lib.stopping import stopping
from tiktok.models import PostMetrics, ProfileMetrics, TikTokPost, TikTokProfile

AT_ONCE = 2000  # posts whose snapshots are thinned in one statement

# Of each day (UTC) that is over before the limit, the last snapshot stays.
SURPLUS = """
SELECT id FROM (
    SELECT id, captured_at,
        lead(captured_at) OVER series AS next_at,
        row_number() OVER series AS number
    FROM {table} WHERE {owner} = ANY(%(owners)s)
    WINDOW series AS (PARTITION BY {owner} ORDER BY captured_at, id)
) AS snapshot
WHERE number > 1
  AND captured_at < %(before)s
  AND date_trunc('day', next_at, 'UTC') = date_trunc('day', captured_at, 'UTC')
"""


@dataclass(frozen=True, slots=True)
class Thinned:
    """How far it has come in one table: snapshots taken away (or that would be), owners done."""

    table: str
    surplus: int
    owners: int


def thin_metrics(older_than: timedelta, *, apply: bool) -> Iterator[Thinned]:
    """Thin the snapshots of days that ended so long ago, some posts at a time; yields the state
    after each step.

    Each step is a transaction of its own, and doing it again finds nothing more. Without ``apply``
    it only counts. Ends early when the process is asked to stop.
    """
    before = _day_before(older_than)
    for metrics, owners, owner in (
        (PostMetrics, TikTokPost, "post_id"),
        (ProfileMetrics, TikTokProfile, "profile_id"),
    ):
        surplus = _statement(metrics, owner, apply=apply)
        found = done = 0
        for keys in _keys(owners):
            with connection.cursor() as cursor:
                cursor.execute(surplus, {"owners": keys, "before": before})
                found += cursor.fetchone()[0]
            done += len(keys)
            yield Thinned(metrics._meta.db_table, found, done)
            if stopping():
                return


def _day_before(older_than: timedelta) -> datetime:
    """The beginning (UTC) of the day so long ago, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('day', statement_timestamp() - %s * interval '1 second', 'UTC')",
            [older_than.total_seconds()],
        )
        found: datetime = cursor.fetchone()[0]
        return found


def _statement(metrics: type[models.Model], owner: str, *, apply: bool) -> str:
    table = connection.ops.quote_name(metrics._meta.db_table)
    surplus = SURPLUS.format(table=table, owner=owner)
    if not apply:
        return f"SELECT count(*) FROM ({surplus}) AS surplus"
    return (
        f"WITH gone AS (DELETE FROM {table} WHERE id IN ({surplus}) RETURNING 1) "
        "SELECT count(*) FROM gone"
    )


def _keys(owners: type[models.Model]) -> Iterator[list[UUID]]:
    """All keys of a table in their order, some at a time."""
    last: UUID | None = None
    while True:
        rows = owners._base_manager.order_by("pk")
        rows = rows if last is None else rows.filter(pk__gt=last)
        keys: list[UUID] = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        if not keys:
            return
        yield keys
        last = keys[-1]

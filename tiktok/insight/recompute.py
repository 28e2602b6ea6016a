"""Recompute what posts' numbers say, for some accounts or for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from tiktok.insight.statements import LOCK, POSTS, PROFILES
from tiktok.models import TikTokProfile

POSTS_AT_ONCE = 20_000  # of one statement: it holds up the runs of their accounts for a second


def recompute_insight(profile_ids: Sequence[UUID], *, everything: bool = False) -> int:
    """Bring the insight of these accounts' posts up to date. Returns how many rows changed.

    A post's series of snapshots is read only if the post was seen since the last time, or with
    ``everything``. Two statements whatever the number of accounts, which are locked meanwhile.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # A batch is planned for a batch: the defaults would spill its sorts to disk.
        cursor.execute("SET LOCAL work_mem = '32MB'")
        parameters: dict[str, Any] = {"profiles": list(profile_ids), "all": everything}
        cursor.execute(LOCK, parameters)
        cursor.execute(POSTS, parameters)
        changed = cursor.rowcount
        cursor.execute(PROFILES, parameters)
        return int(changed)


def recompute_all(
    profile_ids: Sequence[UUID] | None = None,
    *,
    everything: bool = False,
    done: Callable[[int, int], None] = lambda profiles, changed: None,
) -> int:
    """The same for all accounts, or for many, some at a time, each lot in a transaction.

    ``done`` is told after each lot how many accounts and rows it was. Returns the sum of the rows.
    """
    total = 0
    for lot in _lots(profile_ids):
        changed = recompute_insight(lot, everything=everything)
        done(len(lot), changed)
        total += changed
    return total


def _lots(profile_ids: Sequence[UUID] | None) -> Iterator[list[UUID]]:
    """Accounts in lots of at most ``POSTS_AT_ONCE`` posts, or of one account with more."""
    rows = TikTokProfile.objects.order_by("pk").values_list("pk", "total_posts")
    if profile_ids is not None:
        rows = rows.filter(pk__in=profile_ids)
    lot: list[UUID] = []
    posts = 0
    for pk, own in list(rows):
        if lot and posts + own > POSTS_AT_ONCE:
            yield lot
            lot, posts = [], 0
        lot.append(pk)
        posts += own
    if lot:
        yield lot

"""Store a page of posts: one transaction, a handful of statements, however many posts.

The profile's row is locked first and every other lock is taken in one order (assets by key, posts
by id), so pages of different profiles run side by side and pages of the same one in turn. Doing
it twice changes nothing: natural keys decide what is new, and a snapshot is only written for a
sighting that is newer than the last.
"""

from __future__ import annotations

from tiktok.bulk_upsert.page import UpsertResult, bulk_upsert
from tiktok.bulk_upsert.totals import recompute_totals

__all__ = ["UpsertResult", "bulk_upsert", "recompute_totals"]

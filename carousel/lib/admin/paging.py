"""Pages of tables that are too large to count."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet

from carousel.lib.counts import count

EXACT_UP_TO = 2_000  # rows


class CappedPaginator(Paginator[Any]):
    """Counts up to ``EXACT_UP_TO`` rows and takes the planner's estimate beyond that.

    The count stops as soon as it has found that many, so it costs no more than a few pages do.
    """

    @cached_property
    def count(self) -> int:
        """Exact if small, else an estimate that is never below what was really counted."""
        rows = cast("QuerySet[Any]", self.object_list)
        found = rows.order_by().values("pk")[:EXACT_UP_TO].count()
        if found < EXACT_UP_TO:
            return found
        return max(found, count(rows, cheap=0.0).value)

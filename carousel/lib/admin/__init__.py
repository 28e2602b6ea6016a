"""What the apps' admins have in common: large tables, work rows, buttons that call a service."""

from __future__ import annotations

from carousel.lib.admin.actions import RowActions, row_action
from carousel.lib.admin.base import (
    CarouselAdmin,
    ReadOnlyInline,
    beginning,
    compact,
    is_uuid,
    short,
    when,
)
from carousel.lib.admin.chart import line_chart
from carousel.lib.admin.paging import CappedPaginator
from carousel.lib.admin.work import ErrorCodeFilter, ReadOnlyAdmin, WorkAdmin, status_badge

__all__ = [
    "CappedPaginator",
    "CarouselAdmin",
    "ErrorCodeFilter",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "RowActions",
    "WorkAdmin",
    "beginning",
    "compact",
    "is_uuid",
    "line_chart",
    "row_action",
    "short",
    "status_badge",
    "when",
]

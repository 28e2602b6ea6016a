"""An admin for tables of any size: no full counts, no unbounded dropdowns, no wide rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil

from carousel.lib.admin.actions import RowActions
from carousel.lib.admin.exporting import ExportsList
from carousel.lib.admin.paging import CappedPaginator

M = TypeVar("M", bound=models.Model)
UNKNOWN = "–"
SHORT = 140  # characters of a long text that a list shows


class CarouselAdmin(ExportsList[M], RowActions[M]):
    """What every admin of ours has.

    ``heavy`` names wide columns that lists leave in the database; of a text, ``short_<name>`` is
    then the beginning. Rows are never deleted here, because other rows tell what became of them.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50
    sortable_by: ClassVar[list[str] | tuple[str, ...] | None] = ()
    heavy: Sequence[str] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Lists get beginnings of long texts, a row's own page all of it."""
        rows = super().get_queryset(request)
        if not self.heavy or not self._is_list(request):
            return rows
        texts = (models.TextField, models.CharField)
        long = [name for name in self.heavy if isinstance(self.opts.get_field(name), texts)]
        shorts = {f"short_{name}": Left(name, SHORT) for name in long}
        shortened: QuerySet[M] = rows.defer(*self.heavy).annotate(**shorts)
        return shortened

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """An id finds its row; anything else goes through ``search_fields``."""
        term = search_term.strip()
        if isinstance(self.opts.pk, models.UUIDField) and is_uuid(term):
            return queryset.filter(pk=term), False
        return super().get_search_results(request, queryset, term)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: see the class."""
        return False

    def _is_list(self, request: HttpRequest) -> bool:
        match = request.resolver_match
        return match is not None and (match.url_name or "").endswith("_changelist")


class ReadOnlyInline(admin.TabularInline[Any, Any]):
    """Rows that belong to another one, to look at."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


def short(text: str | None, limit: int = 80) -> str:
    """The beginning of a text, on one line."""
    line = " ".join((text or "").split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def beginning(row: models.Model, name: str) -> str:
    """A heavy text of a row: its beginning where a list left the rest in the database."""
    key = f"short_{name}"
    text = row.__dict__[key] if key in row.__dict__ else getattr(row, name)
    return str(text or "")


def compact(number: int | None) -> str | SafeString:
    """1234567 as 1.2M, with the exact number as its title; unknown is not 0."""
    if number is None:
        return UNKNOWN
    value, unit = float(number), ""
    for bigger in ("K", "M", "B"):
        if abs(value) < 999.5:
            break
        value, unit = value / 1000, bigger
    text = f"{value:.1f}" if unit and abs(value) < 99.95 else f"{value:.0f}"
    return format_html(
        '<span class="number" title="{}">{}{}</span>', f"{number:,}", text.removesuffix(".0"), unit
    )


def when(moment: datetime | None, *, unknown: str = UNKNOWN) -> str | SafeString:
    """How long ago, or in how long, with the moment itself as its title."""
    if moment is None:
        return unknown
    now = timezone.now()
    if abs((moment - now).total_seconds()) < 60:
        text = "now"
    elif moment > now:
        text = f"in {timeuntil(moment, now, depth=1)}"
    else:
        text = f"{timesince(moment, now, depth=1)} ago"
    exact = moment.isoformat(sep=" ", timespec="seconds")
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', exact, text)


def is_uuid(term: str) -> bool:
    """Whether a person typed a row's id."""
    try:
        UUID(term)
    except ValueError:
        return False
    return True

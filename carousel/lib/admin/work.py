"""Work rows in the admin: looked at, filtered, retried; their state is never edited by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib import queues
from carousel.lib.admin.actions import Refused, row_action
from carousel.lib.admin.base import UNKNOWN, CarouselAdmin, beginning, short, when
from carousel.lib.work import Status, Work

M = TypeVar("M", bound=models.Model)
W = TypeVar("W", bound=Work)
Pick = list[Any] | tuple[Any, ...]
LOOK_AT = 5_000  # latest failed rows whose codes are offered as a filter


def status_badge(status: str | None) -> str | SafeString:
    """A status as a coloured word."""
    if not status:
        return UNKNOWN
    return format_html('<span class="badge badge-{0}">{0}</span>', status)


class ErrorCodeFilter(admin.SimpleListFilter):
    """The codes that the latest failed and waiting rows ended with."""

    title = "reason"
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Distinct codes, found through the index of failed rows."""
        failed = model_admin.model.objects.filter(status=Status.FAILED)
        latest = failed.order_by("-completed_at").values("error_code")[:LOOK_AT]
        codes = set(latest.values_list("error_code", flat=True)) | {self.value() or ""}
        return [(code, code) for code in sorted(codes - {""})]

    def has_output(self) -> bool:
        """Also with a single code, so that it can be chosen."""
        return bool(self.lookup_choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows with the chosen code."""
        return queryset.filter(error_code=self.value()) if self.value() else queryset


class ReadOnlyAdmin(CarouselAdmin[M]):
    """Rows that nobody writes by hand. Buttons and actions still need the right to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For buttons and actions only: a row's page is for looking."""
        return obj is None and super().has_change_permission(request)


class WorkAdmin(ReadOnlyAdmin[W]):
    """State, reason, attempts and times first; "Retry" for one row, for many, for a whole code."""

    change_list_template = "admin/carousel/list.html"
    list_display: Pick = ("state", "reason", "created", "row_buttons")
    list_filter: ClassVar[Pick] = ("status", ErrorCodeFilter)
    ordering: ClassVar[Pick | None] = (
        "-id",
    )  # ids are made of time: newest first, by the primary key
    actions: Sequence[Any] = ("retry_selected",)
    row_actions: Sequence[str] = ("retry",)
    heavy: Sequence[str] = ("error",)

    @admin.display(description="status", ordering="status")
    def state(self, row: W) -> SafeString:
        """The status as a coloured word; when it is due, and attempts beyond the first."""
        tries = f"attempt {row.attempts}" if row.attempts > 1 else ""
        return format_html(
            '{}<small class="under">{} {}</small>', status_badge(row.status), self.due(row), tries
        )

    @admin.display(description="reason")
    def reason(self, row: W) -> str | SafeString:
        """Code and the beginning of the error."""
        text = beginning(row, "error")
        if not (row.error_code or text):
            return ""
        return format_html("<code>{}</code> {}", row.error_code, short(text))

    def due(self, row: W) -> str | SafeString:
        """When it may start, or until when its worker has it."""
        if row.status == Status.PENDING:
            return format_html("due {}", when(row.run_after))
        if row.status == Status.RUNNING:
            return format_html("leased, ends {}", when(row.run_after))
        return ""

    @admin.display(description="created")
    def created(self, row: W) -> str | SafeString:
        """Age."""
        return when(row.created_at)

    @row_action("Retry", offered=lambda row: row.status == Status.FAILED)
    def retry(self, request: HttpRequest, row: W) -> str:
        """Start this row over."""
        if not queues.retry(self.model.objects.filter(pk=row.pk)):
            raise Refused("Another row has taken its place meanwhile.")
        return f"{row}: queued."

    @admin.action(description="Retry selected rows that failed", permissions=["change"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[W]) -> None:
        """Start the chosen ones over."""
        self._retry_all(request, self.model.objects.filter(pk__in=queryset.values("pk")))

    def get_urls(self) -> list[URLPattern]:
        """The admin's own paths, and one to retry all that failed for one reason."""
        meta = self.opts
        view = self.admin_site.admin_view(self.retry_failed)
        name = f"{meta.app_label}_{meta.model_name}_retry_failed"
        return [path("retry-failed/", view, name=name), *super().get_urls()]

    def retry_failed(self, request: HttpRequest) -> HttpResponse:
        """All failed rows, or those with the ``error_code`` in the form."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        rows = self.model.objects.all()
        if code := request.POST.get("error_code"):
            rows = rows.filter(error_code=code)
        self._retry_all(request, rows)
        return self.back(request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with a button for all failed ones where they are filtered for."""
        code = request.GET.get("error_code", "")
        wanted = code or request.GET.get("status__exact") == Status.FAILED
        context = {
            "retry_code": code,
            "retry_offered": bool(wanted) and self.has_change_permission(request),
            **(extra_context or {}),
        }
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    def _retry_all(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        failed = rows.filter(status=Status.FAILED).count()
        queued = queues.retry(rows)
        told = f"{queued} of {failed} failed rows queued."
        if queued < failed:
            told += " Other rows have taken the place of the rest."
        level = messages.SUCCESS if queued else messages.WARNING
        self.message_user(request, told, level)

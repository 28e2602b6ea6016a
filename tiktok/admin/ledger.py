"""What calls cost, and the switch that stops them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from carousel.lib.admin import CarouselAdmin, ReadOnlyAdmin, compact, when
from tiktok.models import ApiCall, ScraperGate

SUCCESS = Q(http_status__gte=200, http_status__lt=300, error_code="")


class OutcomeFilter(admin.SimpleListFilter):
    """How calls ended."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Three groups."""
        return [("ok", "answered"), ("failed", "failed"), ("unsettled", "price unknown")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiCall]) -> QuerySet[ApiCall]:
        """The chosen group."""
        groups = {"ok": SUCCESS, "failed": ~SUCCESS, "unsettled": Q(credits=None)}
        wanted = groups.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


@admin.register(ApiCall)
class ApiCallAdmin(ReadOnlyAdmin[ApiCall]):
    """The ledger: every call to ScrapeCreators. Nobody writes here."""

    list_display = (
        *("started", "endpoint", "answer", "credits", "left", "took", "profile", "trigger"),
    )
    list_filter = (OutcomeFilter,)
    list_select_related = ("profile", "run")
    search_fields = ("profile__handle",)
    search_help_text = "Part of a profile's handle, or a call's id"
    ordering = ("-started_at",)

    @admin.display(description="started")
    def started(self, call: ApiCall) -> str | SafeString:
        """How long ago."""
        return when(call.started_at)

    @admin.display(description="answer")
    def answer(self, call: ApiCall) -> str:
        """Status and code."""
        status = "none" if call.http_status is None else str(call.http_status)
        return f"{status} {call.error_code}".strip()

    @admin.display(description="left")
    def left(self, call: ApiCall) -> str | SafeString:
        """Credits that the account had after it."""
        return compact(call.credits_remaining)

    @admin.display(description="took")
    def took(self, call: ApiCall) -> str:
        """Milliseconds."""
        return "" if call.duration_ms is None else f"{call.duration_ms} ms"

    @admin.display(description="for")
    def trigger(self, call: ApiCall) -> str:
        """What the run it belonged to was opened by."""
        return call.run.get_trigger_display() if call.run else ""


@admin.register(ScraperGate)
class ScraperGateAdmin(CarouselAdmin[ScraperGate]):
    """Pause all calls, or see why they are stopped."""

    fields = ("paused", "closed_code", "closed_reason", "closed_at", "probed_at")
    readonly_fields = ("closed_code", "closed_reason", "closed_at", "probed_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, and only one."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Straight to the only row."""
        gate, _ = ScraperGate.objects.get_or_create(pk=ScraperGate.ONLY)
        return redirect(f"{self.admin_site.name}:tiktok_scrapergate_change", gate.pk)

    def save_model(self, request: HttpRequest, obj: ScraperGate, form: Any, change: bool) -> None:
        """Only the switch: workers write the rest."""
        ScraperGate.objects.filter(pk=obj.pk).update(paused=obj.paused)

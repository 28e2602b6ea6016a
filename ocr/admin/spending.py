"""What the reader costs, its batch jobs, and the switch that stops it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from carousel.lib.admin import CarouselAdmin, ReadOnlyAdmin, WorkAdmin, row_action, when
from ocr.models import BatchJob, ModelCall, ReaderGate, Reading
from ocr.services import open_gate, spending


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnlyAdmin[ModelCall]):
    """The ledger: every paid request. Nobody writes here."""

    list_display = (
        *("started", "mode", "model", "posts", "images", "input_tokens", "output_tokens"),
        *("cost", "error_code"),
    )
    list_filter = ("mode",)
    search_help_text = "Id"
    ordering = ("-started_at",)

    @admin.display(description="started")
    def started(self, call: ModelCall) -> str | SafeString:
        """How long ago."""
        return when(call.started_at)

    @admin.display(description="USD")
    def cost(self, call: ModelCall) -> str:
        """What it cost; what it may have cost where nobody can tell."""
        if call.cost_usd is not None:
            return f"{call.cost_usd:.5f}"
        return f"up to {call.reserved_usd:.5f}"


@admin.register(BatchJob)
class BatchJobAdmin(WorkAdmin[BatchJob]):
    """Jobs of many posts at half the price."""

    list_display = (
        *("display_name", "state", "at_gemini", "reason", "posts", "images", "waiting", "created"),
        "row_buttons",
    )
    search_fields = ("name",)
    search_help_text = "Id, or a part of Gemini's name for it"
    heavy = ("error", "plan")
    exclude = ("plan",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BatchJob]:
        """With the number of readings that still wait in each."""
        inside = Reading.objects.filter(batch=OuterRef("pk"), status="blocked").order_by()
        number = inside.values("batch").annotate(n=Count("pk")).values("n")
        return (
            super()
            .get_queryset(request)
            .annotate(inside=Coalesce(Subquery(number, output_field=IntegerField()), 0))
        )

    @admin.display(description="at Gemini")
    def at_gemini(self, job: BatchJob) -> str:
        """The state that Gemini told last."""
        if not job.name:
            return "not sent yet"
        return job.told.lower() or "sent"

    @admin.display(description="waiting")
    def waiting(self, job: Any) -> int:
        """Readings that wait in it."""
        return int(job.inside)


@admin.register(ReaderGate)
class ReaderGateAdmin(CarouselAdmin[ReaderGate]):
    """Pause reading, see what it costs today, or why it is stopped."""

    fields = ("paused", "today", "closed_code", "closed_reason", "closed_at", "probe_at")
    readonly_fields = ("today", "closed_code", "closed_reason", "closed_at", "probe_at")
    row_actions = ("let_through",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, and only one."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Straight to the only row."""
        gate, _ = ReaderGate.objects.get_or_create(pk=ReaderGate.ONLY)
        return redirect(f"{self.admin_site.name}:ocr_readergate_change", gate.pk)

    @admin.display(description="today (UTC)")
    def today(self, gate: ReaderGate) -> str:
        """What is taken of the budget."""
        now = spending()
        bounds = f"of ${now.budget}" if now.budget is not None else "without bounds"
        return f"${now.committed:.4f} {bounds} (OCR_DAILY_BUDGET_USD)"

    @row_action("Let requests through again", offered=lambda gate: bool(gate.closed_code))
    def let_through(self, request: HttpRequest, gate: ReaderGate) -> str:
        """What was wrong has been mended."""
        open_gate()
        return "Requests are let through again."

    def save_model(self, request: HttpRequest, obj: ReaderGate, form: Any, change: bool) -> None:
        """Only the switch: workers write the rest."""
        ReaderGate.objects.filter(pk=obj.pk).update(paused=obj.paused)

"""Readings: what was read, by whom, at what price."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin import (
    ReadOnlyInline,
    WorkAdmin,
    beginning,
    row_action,
    short,
)
from carousel.lib.work import Priority, Status
from media_cache.admin import thumbnail
from ocr.models import Reading, SlideReading
from ocr.services import Manner, estimate_price, read_again, rerun, spending
from ocr.services.rereading import older_prompt, unsure

ENDED = (Status.COMPLETED, Status.FAILED)
MANNERS: dict[str, tuple[str, Manner]] = {
    "outdated": (
        "what another engine, model or version of the prompt has read, and what is missing",
        Manner(outdated=True),
    ),
    "doubtful": ("slides below a confidence of 0.7, too", Manner(below_confidence=0.7)),
    "force": ("all slides", Manner(force=True)),
    "missing": ("only what is missing", Manner()),
}


class EngineFilter(admin.SimpleListFilter):
    """Who read it. Fixed, as looking for distinct values would read the whole table."""

    title = parameter_name = "engine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two readers."""
        return [("gemini", "gemini"), ("local", "local")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reading]) -> QuerySet[Reading]:
        """Readings of the chosen one."""
        return queryset.filter(engine=self.value()) if self.value() else queryset


class PromptFilter(admin.SimpleListFilter):
    """Whether the engine in use would be asked otherwise today."""

    title = parameter_name = "prompt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One group."""
        return [("older", "older version")]

    def has_output(self) -> bool:
        """Also with a single choice."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reading]) -> QuerySet[Reading]:
        """Readings of an older version."""
        return queryset.filter(older_prompt()) if self.value() else queryset


class ConfidenceFilter(admin.SimpleListFilter):
    """How sure a machine was of its least certain slide."""

    title = parameter_name = "confidence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Three bounds."""
        return [("0.5", "below 0.5"), ("0.7", "below 0.7"), ("0.9", "below 0.9")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reading]) -> QuerySet[Reading]:
        """Readings with such a slide."""
        bounds = {value: float(value) for value, _ in self.lookup_choices}
        below = bounds.get(self.value() or "")
        return queryset if below is None else queryset.filter(unsure(below))


class SlideReadingInline(ReadOnlyInline):
    """What each picture says."""

    model = SlideReading
    fields = (
        *("position", "picture", "slide_type", "text", "description", "language"),
        *("confidence", "source", "error_code"),
    )
    readonly_fields = ("picture",)
    ordering = ("position",)
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the pictures."""
        return super().get_queryset(request).select_related("asset")

    @admin.display(description="")
    def picture(self, slide: SlideReading) -> SafeString:
        """A small one."""
        return thumbnail(slide.asset, alt=f"slide {slide.position}")


@admin.register(Reading)
class ReadingAdmin(WorkAdmin[Reading]):
    """What was read, by whom, at what price; read again on demand."""

    list_display = (
        *("caption", "state", "reason", "reader", "slide_count", "category_chosen"),
        *("cost", "created", "row_buttons"),
    )
    list_filter = (
        *WorkAdmin.list_filter,
        EngineFilter,
        PromptFilter,
        ConfidenceFilter,
        "category_source",
    )
    list_select_related = ("category",)
    search_fields = ()
    search_help_text = "Id"
    actions = ("retry_selected", "read_selected_again", "estimate_selected", "force_selected")
    row_actions = ("retry", "read_once_more")
    list_row_actions = ("retry",)
    heavy = ("error", "context")
    inlines = (SlideReadingInline,)
    exclude = ("read_all",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reading]:
        """With the number of slides."""
        slides = SlideReading.objects.filter(reading=OuterRef("pk")).order_by()
        number = slides.values("reading").annotate(n=Count("pk")).values("n")
        return (
            super()
            .get_queryset(request)
            .annotate(
                slides_held=Coalesce(
                    "awaited__len", Subquery(number, output_field=IntegerField()), 0
                )
            )
        )

    @admin.display(description="caption")
    def caption(self, reading: Reading) -> str:
        """Its beginning."""
        return short(beginning(reading, "context"), 60) or "(no caption)"

    @admin.display(description="read by")
    def reader(self, reading: Reading) -> SafeString:
        """Engine, and the model that answered."""
        model = reading.model_version or reading.model
        return format_html('{}<small class="under">{}</small>', reading.engine, model)

    @admin.display(description="cost")
    def cost(self, reading: Reading) -> str:
        """In dollars."""
        return f"${reading.cost_usd:.5f}" if reading.cost_usd else ""

    @admin.display(description="category")
    def category_chosen(self, reading: Reading) -> SafeString:
        """What it is about, and who says so."""
        return format_html(
            '{}<small class="under">{}</small>', reading.category or "", reading.category_source
        )

    @admin.display(description="slides")
    def slide_count(self, reading: Any) -> int:
        """How many pictures it is about."""
        return int(reading.slides_held)

    @row_action("Read again", offered=lambda reading: reading.status in ENDED)
    def read_once_more(self, request: HttpRequest, reading: Reading) -> str:
        """Read what was not read yet; what a machine read, too. A person's words stay."""
        read_again([reading.pk], force=True, priority=Priority.PERSON)
        return "The reading is queued."

    @admin.action(description="Read what is missing in selected readings", permissions=["change"])
    def read_selected_again(self, request: HttpRequest, queryset: QuerySet[Reading]) -> None:
        """Slides that have a text keep it."""
        self._read(request, queryset, force=False)

    @admin.action(description="Read selected readings again (force)", permissions=["change"])
    def force_selected(self, request: HttpRequest, queryset: QuerySet[Reading]) -> None:
        """All slides but those that a person corrected."""
        self._read(request, queryset, force=True)

    @admin.action(description="Read again: show the price first", permissions=["change"])
    def estimate_selected(
        self, request: HttpRequest, queryset: QuerySet[Reading]
    ) -> HttpResponse | None:
        """Say what each way to read them again would cost, then do the chosen one."""
        ids: list[UUID] = list(queryset.order_by("-pk").values_list("pk", flat=True))
        if (manner := MANNERS.get(request.POST.get("manner", ""))) is not None:
            queued = rerun(ids, manner[1])
            self.message_user(request, f"{queued} readings queued.", messages.SUCCESS)
            return None
        across = request.POST.get("select_across") == "1"
        context = {
            **self.admin_site.each_context(request),
            "title": "Read again",
            "total": len(ids),
            "choices": [(k, label, estimate_price(ids, m)) for k, (label, m) in MANNERS.items()],
            "spending": spending(),
            "ids": ids[:1] if across else ids,
            "across": across,
        }
        return TemplateResponse(request, "admin/ocr/read_again.html", context)

    def _read(self, request: HttpRequest, queryset: QuerySet[Reading], *, force: bool) -> None:
        ids: list[UUID] = list(queryset.values_list("pk", flat=True))
        queued = read_again(ids, force=force, priority=Priority.PERSON)
        self.message_user(request, f"{queued} readings queued.", messages.SUCCESS)

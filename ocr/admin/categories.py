"""The list of what posts can be about."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, F, Func, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin import CarouselAdmin, ReadOnlyAdmin, is_uuid, row_action, short, when
from ocr.models import CategoryChange, PostCategory, Reading
from ocr.services import (
    CategoryTaken,
    accept_category,
    merge_categories,
    rename_category,
    undo_merge,
)


@admin.register(PostCategory)
class PostCategoryAdmin(CarouselAdmin[PostCategory]):
    """The closed list. A category that is no longer wanted is switched off or merged into another;
    what a reader proposes waits here, inactive, until it is accepted."""

    list_display = ("name", "active", "ai_generated", "posts", "proposed", "about", "row_buttons")
    list_editable = ("active",)
    list_filter = ("active", "ai_generated")
    search_fields = ("name",)
    ordering = ("name",)
    sortable_by = ("name",)
    fields = ("name", "description", "active", "ai_generated")
    readonly_fields = ("ai_generated",)
    actions = ("merge_selected",)
    row_actions = ("accept",)
    expected_errors = (CategoryTaken, ValueError)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PostCategory]:
        """On the list, with how often each is used: counted in the index, for this page only."""
        rows = super().get_queryset(request)
        if not self._is_list(request):
            return rows

        def number(name: str) -> Coalesce:
            readings = Reading.objects.filter(**{name: OuterRef("pk")}).order_by()
            counted = readings.values(name).annotate(n=Count("pk")).values("n")
            return Coalesce(Subquery(counted, output_field=IntegerField()), 0)

        return rows.annotate(used=number("category"), waiting=number("proposed_category"))

    @admin.display(description="posts")
    def posts(self, category: Any) -> SafeString:
        """How many, with a link to their readings."""
        address = reverse(f"{self.admin_site.name}:ocr_reading_changelist")
        return format_html(
            '<a href="{}?category__id__exact={}">{}</a>', address, category.pk, category.used
        )

    @admin.display(description="proposed for")
    def proposed(self, category: Any) -> str:
        """How many readings wait until it is accepted."""
        return str(category.waiting or "")

    @admin.display(description="description")
    def about(self, category: PostCategory) -> str:
        """Its beginning."""
        return short(category.description)

    @row_action("Accept", offered=lambda category: not category.active and category.ai_generated)
    def accept(self, request: HttpRequest, category: PostCategory) -> str:
        """Let the reader choose it, and give it to the readings that wait for it."""
        return f"{category} is on the list; {accept_category(category)} readings have it now."

    @admin.action(description="Merge selected categories into one", permissions=["change"])
    def merge_selected(
        self, request: HttpRequest, queryset: QuerySet[PostCategory]
    ) -> HttpResponse | None:
        """Ask into which, then do it."""
        sources = list(queryset)
        if (into := _named(request.POST.get("into"))) is not None:
            gone = [category for category in sources if category.pk != into.pk]
            moved = merge_categories(gone, into)
            names = ", ".join(map(str, gone))
            self.message_user(request, f"{names}: now {into}, with {moved} readings.")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Merge categories",
            "sources": sources,
            "targets": PostCategory.objects.order_by("-active", "name"),
        }
        return TemplateResponse(request, "admin/ocr/merge_categories.html", context)

    def save_model(
        self, request: HttpRequest, obj: PostCategory, form: ModelForm[PostCategory], change: bool
    ) -> None:
        """A new name leaves the old one behind; switching a proposed category on gives it to the
        readings that wait for it."""
        if change and "name" in form.changed_data:
            wanted, obj.name = obj.name, form.initial["name"]
            obj.name = rename_category(obj, wanted).name
        super().save_model(request, obj, form, change)
        if change and obj.active and "active" in form.changed_data:
            given = accept_category(obj)
            if given:
                self.message_user(request, f"{obj}: {given} readings have it now.")


@admin.register(CategoryChange)
class CategoryChangeAdmin(ReadOnlyAdmin[CategoryChange]):
    """What people did to the list."""

    list_display = ("changed", "kind", "old_name", "new_name", "readings", "row_buttons")
    list_filter = ("kind",)
    ordering = ("-changed_at",)
    heavy = ("reading_ids", "proposed_ids")
    exclude = ("reading_ids", "proposed_ids")
    row_actions = ("undo",)
    expected_errors = (CategoryTaken, ValueError)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CategoryChange]:
        """With the number of readings that were moved."""
        moved = Func(F("reading_ids"), function="cardinality", output_field=IntegerField())
        return super().get_queryset(request).annotate(moved=moved)

    @admin.display(description="changed")
    def changed(self, change: CategoryChange) -> str | SafeString:
        """How long ago."""
        return when(change.changed_at)

    @admin.display(description="readings moved")
    def readings(self, change: Any) -> str:
        """How many."""
        return str(change.moved or "")

    @row_action(
        "Undo",
        offered=lambda change: change.kind == CategoryChange.Kind.MERGED and not change.undone_at,
    )
    def undo(self, request: HttpRequest, change: CategoryChange) -> str:
        """Bring it back with its readings."""
        return f"{undo_merge(change)} is a category of its own again."


def _named(key: str | None) -> PostCategory | None:
    known = PostCategory.objects.filter(pk=key) if key and is_uuid(key) else None
    return None if known is None else known.first()

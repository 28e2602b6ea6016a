"""The list of what posts can be about."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin import CarouselAdmin, short
from ocr.models import PostCategory, Reading
from ocr.services import accept_category


@admin.register(PostCategory)
class PostCategoryAdmin(CarouselAdmin[PostCategory]):
    """The closed list. A category that is no longer wanted is switched off, so history stays."""

    list_display = ("name", "active", "ai_generated", "posts", "proposed", "about")
    list_editable = ("active",)
    list_filter = ("active", "ai_generated")
    search_fields = ("name",)
    ordering = ("name",)
    sortable_by = ("name",)
    fields = ("name", "description", "active", "ai_generated")
    readonly_fields = ("ai_generated",)

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

    def save_model(
        self, request: HttpRequest, obj: PostCategory, form: ModelForm[PostCategory], change: bool
    ) -> None:
        """Switching a proposed category on gives it to the readings that wait for it."""
        super().save_model(request, obj, form, change)
        if change and obj.active and "active" in form.changed_data:
            given = accept_category(obj)
            if given:
                self.message_user(request, f"{obj}: {given} readings have it now.")

"""What exports take: the filters of the lists, and the kind of file."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from carousel.api.errors import ApiProblem
from carousel.lib.tabular import FORMATS
from ocr.models import SlideReading, SlideType
from tiktok.api.filters import (
    MOST_LETTERS,
    POST_FILTERS,
    PeriodQuery,
    PostFilters,
    PostQuery,
    ProfileQuery,
    Query,
    RunQuery,
    one_of,
    posts_filtered,
)
from tiktok.models import PostMetrics, TikTokPost
from tiktok.services.search import slides_saying

Shape = serializers.Serializer[Any]


class ExportQuery(Shape):
    """What every export takes."""

    format = serializers.ChoiceField(
        choices=[*FORMATS],
        default="csv",
        help_text="CSV and XLSX are for spreadsheets (no cell is taken for a formula), NDJSON for "
        "programs: an object per line.",
    )


class PostExportQuery(ExportQuery, PostQuery):
    """The list of posts, all of it."""

    page = pageSize = None  # type: ignore[assignment]


class ProfileExportQuery(ExportQuery, ProfileQuery):
    """The list of profiles, all of it."""

    page = pageSize = None  # type: ignore[assignment]


class RunExportQuery(ExportQuery, RunQuery):
    """The list of runs, all of it."""

    page = pageSize = None  # type: ignore[assignment]


class SlideExportQuery(ExportQuery, PostFilters):
    """Slides that were read, or those that say something."""

    q = serializers.CharField(
        required=False,
        max_length=MOST_LETTERS,
        help_text='Words, "a phrase", -without, as in the search. Left out: every slide.',
    )
    slideType = one_of(SlideType.choices)


class PeriodExportQuery(ExportQuery, PeriodQuery):
    """A span of time."""


class MetricsExportQuery(PeriodExportQuery, PostFilters):
    """Numbers over time, of all posts or of some."""


def slides_matching(query: Query) -> QuerySet[SlideReading]:
    """The slides that a validated ``SlideExportQuery`` asks for, in the order of their reading."""
    rows = SlideReading.objects.exclude(text=None)
    if words := query.get("q"):
        try:
            rows = slides_saying(rows, words)
        except ValueError as exc:
            raise ApiProblem(400, "invalid", str(exc), fields={"q": [str(exc)]}) from exc
    if "slideType" in query:
        rows = rows.filter(slide_type=query["slideType"])
    if (posts := _chosen(query)) is not None:
        rows = rows.filter(reading__in=posts.values("reading_id"))
    return rows.order_by("pk")


def snapshots_matching(query: Query) -> QuerySet[PostMetrics]:
    """The snapshots that a validated ``MetricsExportQuery`` asks for, in the order of writing."""
    within = Q()
    if "since" in query:
        within &= Q(captured_at__gte=query["since"])
    if "until" in query:
        within &= Q(captured_at__lte=query["until"])
    rows = PostMetrics.objects.filter(within)
    if (posts := _chosen(query)) is not None:
        rows = rows.filter(post__in=posts)
    return rows.order_by("pk")


def _chosen(query: Query) -> QuerySet[TikTokPost] | None:
    """The posts that the filters leave; None where there are no filters."""
    return posts_filtered(query) if POST_FILTERS.keys() & query.keys() else None

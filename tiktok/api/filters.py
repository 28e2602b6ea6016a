"""What lists can be narrowed down by: the parameters, and the rows that they leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from rest_framework import serializers

from carousel.api.errors import ApiProblem
from carousel.api.pages import Column, PageQuery, order_by, ordering
from carousel.lib.work import Status
from ocr.models import PostCategory, SlideType
from tiktok.insight.names import POST_FIGURES
from tiktok.models import (
    SPARSE,
    ContentType,
    PostMetrics,
    ProfileMetrics,
    ProfileMonitoringLog,
    TikTokPost,
    TikTokProfile,
    Trigger,
)
from tiktok.services.saying import posts_saying

Shape = serializers.Serializer[Any]
Query = Mapping[str, Any]
MOST_LETTERS = 500


def one_of(choices: list[tuple[Any, str]], help_text: str = "") -> serializers.ChoiceField:
    """A parameter that takes one of a few words."""
    words = ", ".join(str(value) for value, _ in choices)
    return serializers.ChoiceField(
        choices=choices,
        required=False,
        help_text=help_text,
        error_messages={"invalid_choice": f"There is no {{input}} here. Write one of: {words}."},
    )


# --- Profiles ------------------------------------------------------------------------------

PROFILE_ORDER = {
    "handle": Column(Lower("handle")),
    "createdAt": Column(F("created_at")),
    "followerCount": Column(F("follower_count"), nullable=True),
    "lastMonitoringRun": Column(F("last_monitoring_run"), nullable=True),
    "postsPerWeek": Column(F("insight__posts_per_week"), nullable=True),
}


class ProfileQuery(PageQuery):
    """What the list of profiles takes."""

    search = serializers.CharField(
        required=False, max_length=MOST_LETTERS, help_text="Part of the handle or the nickname."
    )
    monitoringEnabled = serializers.BooleanField(required=False)
    isOwnProfile = serializers.BooleanField(required=False)
    ordering = ordering([*PROFILE_ORDER], default="-createdAt")


def profiles_matching(query: Query) -> QuerySet[TikTokProfile]:
    """The profiles that a validated ``ProfileQuery`` asks for, in its order."""
    rows = TikTokProfile.objects.all()
    if words := query.get("search", "").lstrip("@"):
        rows = rows.filter(Q(handle__icontains=words) | Q(nickname__icontains=words))
    if "monitoringEnabled" in query:
        rows = rows.filter(monitoring_enabled=query["monitoringEnabled"])
    if "isOwnProfile" in query:
        rows = rows.filter(is_own_profile=query["isOwnProfile"])
    return rows.order_by(*order_by(query["ordering"], PROFILE_ORDER))


# --- Runs ------------------------------------------------------------------------------------

RUN_ORDER = {"createdAt": Column(F("created_at"))}


class RunQuery(PageQuery):
    """What the list of runs takes."""

    profileId = serializers.UUIDField(required=False)
    status = one_of(Status.choices)
    trigger = one_of(Trigger.choices)
    ordering = ordering([*RUN_ORDER], default="-createdAt")


def runs_matching(query: Query) -> QuerySet[ProfileMonitoringLog]:
    """The runs that a validated ``RunQuery`` asks for, in its order."""
    names = {"profileId": "profile_id", "status": "status", "trigger": "trigger"}
    wanted = {column: query[name] for name, column in names.items() if name in query}
    rows: QuerySet[ProfileMonitoringLog] = ProfileMonitoringLog.objects.filter(**wanted)
    return rows.order_by(*order_by(query["ordering"], RUN_ORDER))


# --- Posts -----------------------------------------------------------------------------------

FIGURES = {name: f"insight__{column}" for name, column in POST_FIGURES.items() if column in SPARSE}
POST_ORDER = {
    "publishedAt": Column(F("published_at")),
    "viewCount": Column(F("view_count"), nullable=True),
    "likeCount": Column(F("like_count"), nullable=True),
    "saveCount": Column(F("save_count"), nullable=True),
    "outlierScore": Column(F("insight__outlier_score"), nullable=True),
    **{name: Column(F(path), sparse=True) for name, path in FIGURES.items()},
}
# By what the parameters call them, after "min" and "max".
RANGES = {
    "Views": "view_count",
    "Outlier": "insight__outlier_score",
    **{f"{name[0].upper()}{name[1:]}": path for name, path in FIGURES.items()},
}
POST_FILTERS = {
    "profileId": "profile_id",
    "contentType": "content_type",
    "ocrStatus": "reading__status",
    "categoryId": "reading__category_id",
    "publishedAfter": "published_at__gte",
    "publishedBefore": "published_at__lt",
    **{f"min{name}": f"{path}__gte" for name, path in RANGES.items()},
    **{f"max{name}": f"{path}__lte" for name, path in RANGES.items()},
}


def _bound(end: str, name: str) -> serializers.Field[Any, Any, Any, Any]:
    words = f"At {'least' if end == 'min' else 'most'} this; what is not known is left out."
    if name == "Views" or name.startswith("Gain"):  # a gain may be a loss
        least = 0 if name == "Views" else -(2**63)
        return serializers.IntegerField(
            required=False, min_value=least, max_value=2**63 - 1, help_text=words
        )
    slowest = None if name == "ViewsPerHour" else 0
    return serializers.FloatField(required=False, min_value=slowest, help_text=words)


class PostFilters(Shape):
    """What posts, and everything that is found through posts, can be narrowed down by."""

    profileId = serializers.UUIDField(required=False)
    contentType = one_of(ContentType.choices)
    ocrStatus = one_of(Status.choices)
    categoryId = serializers.UUIDField(required=False)
    publishedAfter = serializers.DateTimeField(required=False, help_text="This time included.")
    publishedBefore = serializers.DateTimeField(required=False, help_text="This time excluded.")

    def get_fields(self) -> dict[str, Any]:
        """With the least and the most of each figure."""
        bounds = {f"{end}{name}": _bound(end, name) for name in RANGES for end in ("min", "max")}
        return {**super().get_fields(), **bounds}


class PostQuery(PostFilters, PageQuery):
    """What the list of posts takes."""

    search = serializers.CharField(
        required=False,
        max_length=MOST_LETTERS,
        help_text='In captions and on slides: every word, "a phrase", -without.',
    )
    ordering = ordering([*POST_ORDER], default="-publishedAt")


def posts_filtered(query: Query) -> QuerySet[TikTokPost]:
    """The posts that pass the filters in a validated query; unordered."""
    wanted = {column: query[name] for name, column in POST_FILTERS.items() if name in query}
    return TikTokPost.objects.filter(**wanted)


def posts_matching(query: Query) -> QuerySet[TikTokPost]:
    """The posts that a validated ``PostQuery`` asks for, in its order."""
    rows = posts_filtered(query)
    if words := query.get("search"):
        try:
            rows = posts_saying(rows, words)
        except ValueError as exc:
            raise ApiProblem(400, "invalid", str(exc), fields={"search": [str(exc)]}) from exc
    if query["ordering"].lstrip("-") in POST_FIGURES:
        rows = rows.filter(insight__isnull=False)  # all have one: the join can start from its index
    return rows.order_by(*order_by(query["ordering"], POST_ORDER))


# --- Search, metrics, categories ---------------------------------------------------------------


class SearchQuery(PostFilters, PageQuery):
    """What the search in slides takes."""

    q = serializers.CharField(
        max_length=MOST_LETTERS,
        help_text='Words in any order, "a phrase", -without. A part of a word finds it, and so '
        "does one with a letter wrong.",
    )
    slideType = one_of(SlideType.choices)
    ordering = ordering(["rank", "viewCount", "publishedAt"], default="-rank")


class PeriodQuery(Shape):
    """A span of time."""

    since = serializers.DateTimeField(required=False, help_text="This time included.")
    until = serializers.DateTimeField(required=False, help_text="This time included.")


M = TypeVar("M", ProfileMetrics, PostMetrics)


def during(rows: QuerySet[M], query: Query) -> QuerySet[M]:
    """The snapshots within a validated ``PeriodQuery``, oldest first."""
    names = {"since": "captured_at__gte", "until": "captured_at__lte"}
    within = {column: query[name] for name, column in names.items() if name in query}
    return rows.filter(**within).order_by("captured_at")


CATEGORY_ORDER = {"name": Column(Lower("name"))}


class CategoryQuery(PageQuery):
    """What the list of categories takes."""

    active = serializers.BooleanField(required=False)
    ordering = ordering([*CATEGORY_ORDER], default="name")


def categories_matching(query: Query) -> QuerySet[PostCategory]:
    """The categories that a validated ``CategoryQuery`` asks for, in its order."""
    rows = PostCategory.objects.all()
    if "active" in query:
        rows = rows.filter(active=query["active"])
    return rows.order_by(*order_by(query["ordering"], CATEGORY_ORDER))

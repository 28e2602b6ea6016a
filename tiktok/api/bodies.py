"""What the API takes in bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from ocr.models import SlideType
from tiktok.models import Schedule

Shape = serializers.Serializer[Any]
MINUTES_PER_YEAR = 525_600
MOST_PROFILES = 1000
MOST_HANDLES = 10_000
MOST_POSTS = 50


class AddProfileBody(Shape):
    """Who to watch."""

    handle = serializers.CharField(
        max_length=500, help_text="A handle, with or without @, or the URL of a profile."
    )
    isOwnProfile = serializers.BooleanField(default=False)


class ImportBody(Shape):
    """Whom to watch, many at once."""

    handles = serializers.ListField(
        child=serializers.CharField(max_length=500, allow_blank=True),
        min_length=1,
        max_length=MOST_HANDLES,
        help_text="Handles, with or without @, or URLs of profiles.",
    )
    dryRun = serializers.BooleanField(default=False, help_text="Only tell what would be done.")
    monitor = serializers.BooleanField(
        required=False, help_text="Check them regularly from now on, or not."
    )
    isOwnProfile = serializers.BooleanField(default=False)


class ImportQuery(Shape):
    """The same for a body of text."""

    dryRun = serializers.BooleanField(required=False)
    monitor = serializers.BooleanField(required=False)
    isOwnProfile = serializers.BooleanField(required=False)


def _bound() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1,
        max_value=MINUTES_PER_YEAR,
        allow_null=True,
        help_text="For the adaptive schedule; null: the installation's.",
    )


class ProfilePatch(Shape):
    """What a person may change about a profile; the rest is TikTok's."""

    isOwnProfile = serializers.BooleanField()
    monitoringEnabled = serializers.BooleanField()
    monitoringIntervalMinutes = serializers.IntegerField(
        min_value=1,
        max_value=MINUTES_PER_YEAR,
        allow_null=True,
        help_text="Kept exactly; null: the adaptive schedule chooses.",
    )
    monitoringMinMinutes = _bound()
    monitoringMaxMinutes = _bound()
    creditBudgetPerMonth = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, allow_null=True, help_text="Null: without bounds."
    )


def wanted_schedule(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What an interval in a body asks for: exactly that, or, if null, the adaptive schedule."""
    if name not in body:
        return {}
    minutes: int | None = body[name]
    return {"schedule": Schedule.ADAPTIVE} if minutes is None else {"interval_minutes": minutes}


class MonitoringPatch(Shape):
    """Whether, and how often, to check a profile."""

    enabled = serializers.BooleanField()
    intervalMinutes = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MINUTES_PER_YEAR,
        allow_null=True,
        help_text="Kept exactly; null: the adaptive schedule chooses.",
    )
    interval = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MINUTES_PER_YEAR,
        help_text="Another name for `intervalMinutes`, which wins.",
    )


class BulkMonitoringPatch(Shape):
    """Whether to check many profiles."""

    profileIds = serializers.ListField(
        child=serializers.CharField(max_length=100), min_length=1, max_length=MOST_PROFILES
    )
    enabled = serializers.BooleanField()


class TriggerBody(Shape):
    """How to run."""

    forceRecache = serializers.BooleanField(
        default=False, help_text="Fetch all media again, not only those of new posts."
    )


class OcrBody(Shape):
    """How to read."""

    force = serializers.BooleanField(
        default=False, help_text="Read again what a machine has read. What a person wrote stays."
    )


class BulkOcrBody(OcrBody):
    """What to read."""

    postIds = serializers.ListField(
        child=serializers.CharField(max_length=100), min_length=1, max_length=MOST_POSTS
    )


class SlidePatch(Shape):
    """What a person says about a slide."""

    text = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=20_000)
    slideType = serializers.ChoiceField(choices=SlideType.choices)


class PostCategoryPatch(Shape):
    """Which category a person says a post has; null: none fits."""

    categoryId = serializers.UUIDField(allow_null=True)


class CategoryPatch(Shape):
    """What a person may change about a category."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(allow_blank=True, max_length=2000)
    active = serializers.BooleanField()


class WaitQuery(Shape):
    """Whether to wait."""

    wait = serializers.BooleanField(
        default=False, help_text="Answer with the post once it was read, for up to 30 seconds."
    )

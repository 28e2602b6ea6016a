"""Profiles and runs."""

from __future__ import annotations

from rest_framework import serializers

from carousel.lib.work import Status
from media_cache.api.serializers import AssetSerializer
from tiktok.api.serializers.fields import Shape, moment, number
from tiktok.api.serializers.insight import ProfileInsightSerializer
from tiktok.models import Schedule, StopReason, Trigger


class TotalsSerializer(Shape):
    """Sums over the posts that we hold."""

    posts = serializers.IntegerField()
    views = serializers.IntegerField()
    likes = serializers.IntegerField()
    comments = serializers.IntegerField()
    shares = serializers.IntegerField()
    saves = serializers.IntegerField()


class ScheduleSerializer(Shape):
    """How a profile's next check is chosen, and what it may cost."""

    monitoringSchedule = serializers.ChoiceField(
        choices=Schedule.choices,
        help_text="`fixed`: exactly at the interval. `adaptive`: by what is expected of it.",
    )
    monitoringMinMinutes = number("Bound of the adaptive schedule; null: the installation's.")
    monitoringMaxMinutes = number("Bound of the adaptive schedule; null: the installation's.")
    nextMonitoringReason = serializers.CharField(help_text="Why the next check is when it is.")
    expectedPostsPerDay = serializers.FloatField(
        allow_null=True, help_text="As the adaptive schedule saw it at its last check."
    )
    creditBudgetPerMonth = number("Null: without bounds.")


class ProfileSerializer(ScheduleSerializer):
    """An account as last seen. `tiktokUserId` is who it is, `handle` what it is called today."""

    id = serializers.UUIDField()
    tiktokUserId = serializers.CharField()
    secUid = serializers.CharField()
    handle = serializers.CharField(help_text="Empty when somebody else holds it by now.")
    previousHandles = serializers.ListField(child=serializers.CharField())
    nickname = serializers.CharField()
    bio = serializers.CharField()
    verified = serializers.BooleanField()
    private = serializers.BooleanField()
    isOwnProfile = serializers.BooleanField()
    url = serializers.CharField()
    avatar = AssetSerializer(allow_null=True)
    followerCount = number("Null: unknown, which is not 0.")
    followingCount = number()
    likeCount = number()
    videoCount = number()
    totals = TotalsSerializer()
    monitoringEnabled = serializers.BooleanField()
    monitoringIntervalMinutes = serializers.IntegerField()
    lastMonitoringRun = moment()
    nextMonitoringRun = moment()
    insight = ProfileInsightSerializer()
    missingSince = moment("Since when TikTok no longer shows it.")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class RunSerializer(Shape):
    """One run over a profile's posts."""

    id = serializers.UUIDField()
    profileId = serializers.UUIDField()
    trigger = serializers.ChoiceField(choices=Trigger.choices)
    forceRecache = serializers.BooleanField()
    status = serializers.ChoiceField(choices=Status.choices)
    attempts = serializers.IntegerField()
    startedAt = moment()
    completedAt = moment()
    runAfter = serializers.DateTimeField()
    pagesScraped = serializers.IntegerField()
    postsScraped = serializers.IntegerField()
    postsCreated = serializers.IntegerField()
    postsUpdated = serializers.IntegerField()
    itemsSkipped = serializers.IntegerField()
    expectedPosts = number("As the profile states it.")
    creditsCharged = serializers.IntegerField()
    creditsRemaining = number()
    error = serializers.CharField()
    errorCode = serializers.CharField()
    stopReason = serializers.ChoiceField(
        choices=[("", "it has not got that far"), *StopReason.choices],
        help_text="Why it looked no further.",
    )
    isPartial = serializers.BooleanField(
        help_text="It has not seen all that it should. What it has seen is kept."
    )
    oldestPostAt = moment("When the oldest post it looked at was published.")
    summary = serializers.CharField(
        help_text="What it got, why it stopped and how old the oldest post was, in words."
    )
    createdAt = serializers.DateTimeField()


class MonitoringSerializer(ScheduleSerializer):
    """How a profile is watched."""

    profileId = serializers.UUIDField()
    monitoringEnabled = serializers.BooleanField()
    monitoringIntervalMinutes = serializers.IntegerField()
    lastMonitoringRun = moment()
    nextMonitoringRun = moment()
    recentLogs = RunSerializer(many=True, help_text="At most 10, newest first.")


class AddedStatsSerializer(Shape):
    """What adding stored before it answered."""

    postsCreated = serializers.IntegerField()
    postsUpdated = serializers.IntegerField()
    totalPosts = serializers.IntegerField()


class AddedSerializer(Shape):
    """A profile that was added, or was known."""

    profile = ProfileSerializer()
    created = serializers.BooleanField()
    stats = AddedStatsSerializer()
    run = RunSerializer(allow_null=True, help_text="The queued rest.")
    processing = serializers.BooleanField(help_text="Whether there is a rest.")


class TriggeredSerializer(Shape):
    """A run that was asked for."""

    run = RunSerializer()
    created = serializers.BooleanField(help_text="False: one was open already.")


class BulkMonitoringSerializer(Shape):
    """What a bulk change did."""

    updatedCount = serializers.IntegerField()
    enabled = serializers.BooleanField()
    notFound = serializers.ListField(child=serializers.CharField())


class ProfileSnapshotSerializer(Shape):
    """An account's numbers at one time."""

    capturedAt = serializers.DateTimeField()
    followerCount = number()
    followingCount = number()
    likeCount = number()
    videoCount = number()
    approximate = serializers.BooleanField(help_text="TikTok rounded them.")
    decreased = serializers.BooleanField(help_text="A number is lower than in the one before.")


class ProfileMetricsSerializer(Shape):
    """An account's numbers over time, oldest first."""

    results = ProfileSnapshotSerializer(many=True)

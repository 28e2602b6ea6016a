"""Accounts, and their numbers over time."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now, Upper

from carousel.lib.ids import uuid7
from media_cache.models import CacheAsset


class Schedule(models.TextChoices):
    FIXED = "fixed"  # exactly the interval
    ADAPTIVE = "adaptive"  # by what is expected of it; see tiktok.schedule


class TikTokProfile(models.Model):
    """An account. ``tiktok_user_id`` is who it is; the handle is only what it is called today.

    Counts are 64-bit; null means unknown, which is not 0. ``total_*`` are sums over the posts we
    hold and are written in the transaction that changes the posts.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tiktok_user_id = models.TextField(unique=True)
    sec_uid = models.TextField(blank=True, default="")
    # Empty when somebody else holds the handle by now.
    handle = models.CharField(max_length=64, blank=True, default="")
    previous_handles = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    nickname = models.TextField(blank=True, default="")
    bio = models.TextField(blank=True, default="")
    verified = models.BooleanField(default=False)
    private = models.BooleanField(default=False)
    avatar = models.ForeignKey(
        CacheAsset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_own_profile = models.BooleanField(default=False)

    follower_count = models.BigIntegerField(null=True)
    following_count = models.BigIntegerField(null=True)
    like_count = models.BigIntegerField(null=True)
    video_count = models.BigIntegerField(null=True)
    total_posts = models.BigIntegerField(default=0)
    total_views = models.BigIntegerField(default=0)
    total_likes = models.BigIntegerField(default=0)
    total_comments = models.BigIntegerField(default=0)
    total_shares = models.BigIntegerField(default=0)
    total_saves = models.BigIntegerField(default=0)

    monitoring_enabled = models.BooleanField(default=False)
    monitoring_interval_minutes = models.PositiveIntegerField(default=1440)
    # Empty: as MONITORING_SCHEDULE says.
    monitoring_schedule = models.CharField(
        max_length=8, choices=Schedule.choices, blank=True, default="", db_default=""
    )
    # Bounds of the adaptive schedule; null: as the settings say.
    monitoring_min_minutes = models.PositiveIntegerField(null=True, blank=True)
    monitoring_max_minutes = models.PositiveIntegerField(null=True, blank=True)
    # What the adaptive schedule thought after the last run.
    planned_interval_minutes = models.PositiveIntegerField(null=True, editable=False)
    posts_per_day = models.FloatField(null=True, editable=False)
    next_run_reason = models.TextField(blank=True, default="", db_default="", editable=False)
    credit_budget_per_month = models.PositiveIntegerField(
        null=True, blank=True, help_text="Credits (UTC months); empty: without bounds."
    )
    last_monitoring_run = models.DateTimeField(null=True, blank=True)
    next_monitoring_run = models.DateTimeField(null=True, blank=True)
    misses = models.PositiveSmallIntegerField(default=0)  # runs in a row that did not find it
    missing_since = models.DateTimeField(null=True, blank=True)
    # True: every post older than the newest is known, so a page without a new one ends the search.
    history_complete = models.BooleanField(default=False)
    all_pages_at = models.DateTimeField(null=True, editable=False)  # last look at every page
    # The country to ask from, where the default one showed none of its posts.
    scrape_region = models.CharField(max_length=2, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "profile"
        constraints = [
            models.UniqueConstraint(
                Lower("handle"), condition=~Q(handle=""), name="profile_current_handle"
            ),
            models.CheckConstraint(
                condition=Q(monitoring_interval_minutes__gte=1), name="profile_interval_positive"
            ),
            models.CheckConstraint(
                condition=Q(monitoring_min_minutes__isnull=True) | Q(monitoring_min_minutes__gte=1),
                name="profile_least_interval",
            ),
        ]
        indexes = [
            models.Index(
                "next_monitoring_run", name="profile_due", condition=Q(monitoring_enabled=True)
            ),
            models.Index(fields=["-created_at", "-id"], name="profile_newest"),
            models.Index(
                F("follower_count").desc(nulls_last=True), F("id").desc(), name="profile_followers"
            ),
            GinIndex(
                OpClass(Upper("handle"), name="gin_trgm_ops"),
                OpClass(Upper("nickname"), name="gin_trgm_ops"),
                name="profile_search",
            ),
        ]

    def __str__(self) -> str:
        return f"@{self.handle}" if self.handle else f"user {self.tiktok_user_id}"

    @property
    def url(self) -> str:
        return f"https://www.tiktok.com/@{self.handle}"


class ProfileMetrics(models.Model):
    """An account's numbers as they were seen. Append-only: at first sight, then when one moved."""

    id = models.BigAutoField(primary_key=True)
    profile = models.ForeignKey(TikTokProfile, on_delete=models.CASCADE, related_name="metrics")
    captured_at = models.DateTimeField()
    follower_count = models.BigIntegerField(null=True)
    following_count = models.BigIntegerField(null=True)
    like_count = models.BigIntegerField(null=True)
    video_count = models.BigIntegerField(null=True)
    approximate = models.BooleanField(default=False)  # TikTok rounded them
    decreased = models.BooleanField(default=False, db_default=False)  # one is lower than it was

    class Meta:
        verbose_name_plural = "profile metrics"
        constraints = [
            models.UniqueConstraint(fields=["profile", "captured_at"], name="profile_metrics_once")
        ]

    def __str__(self) -> str:
        return f"{self.captured_at:%Y-%m-%d %H:%M}"

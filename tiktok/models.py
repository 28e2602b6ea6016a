"""Profiles, posts, slides, their numbers over time, and the runs that fetch them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now, Upper

from carousel.lib.ids import uuid7
from carousel.lib.work import OPEN, Status, Work
from media_cache.models import CacheAsset
from ocr.models import Reading

UNFINISHED = (Status.BLOCKED, *OPEN)


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
    last_monitoring_run = models.DateTimeField(null=True, blank=True)
    next_monitoring_run = models.DateTimeField(null=True, blank=True)
    misses = models.PositiveSmallIntegerField(default=0)  # runs in a row that did not find it
    missing_since = models.DateTimeField(null=True, blank=True)
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


class ContentType(models.TextChoices):
    PHOTO = "photo"
    VIDEO = "video"


class TikTokPost(models.Model):
    """A post as last seen. Counts are 64-bit; null means unknown, which is not 0."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tiktok_id = models.TextField(unique=True)
    profile = models.ForeignKey(TikTokProfile, on_delete=models.CASCADE, related_name="posts")
    content_type = models.CharField(max_length=5, choices=ContentType.choices)
    caption = models.TextField(blank=True, default="")
    title = models.TextField(blank=True, default="")
    published_at = models.DateTimeField()
    hashtags = ArrayField(models.TextField(), default=list, blank=True)
    mentions = ArrayField(models.TextField(), default=list, blank=True)
    region = models.CharField(max_length=16, blank=True, default="")
    language = models.CharField(max_length=16, blank=True, default="")
    is_pinned = models.BooleanField(default=False)
    is_ad = models.BooleanField(default=False)
    is_paid_partnership = models.BooleanField(default=False)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    music_id = models.TextField(blank=True, default="")
    music_title = models.TextField(blank=True, default="")
    music_author = models.TextField(blank=True, default="")
    music_asset = models.ForeignKey(
        CacheAsset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    cover = models.ForeignKey(
        CacheAsset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    video = models.ForeignKey(
        CacheAsset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reading = models.ForeignKey(
        Reading, null=True, blank=True, on_delete=models.SET_NULL, related_name="posts"
    )
    # False: the listing named no slides for this photo post; it has to be fetched alone.
    slides_known = models.BooleanField(default=True)

    view_count = models.BigIntegerField(null=True)
    like_count = models.BigIntegerField(null=True)
    comment_count = models.BigIntegerField(null=True)
    share_count = models.BigIntegerField(null=True)
    save_count = models.BigIntegerField(null=True)

    last_seen_at = models.DateTimeField(null=True)
    last_seen_run = models.UUIDField(null=True)  # a ProfileMonitoringLog; no constraint on purpose
    misses = models.PositiveSmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "post"
        indexes = [
            models.Index(fields=["-published_at", "-id"], name="post_newest"),
            models.Index(fields=["profile", "-published_at", "-id"], name="post_of_profile"),
            models.Index(F("view_count").desc(nulls_last=True), F("id").desc(), name="post_views"),
            models.Index(F("like_count").desc(nulls_last=True), F("id").desc(), name="post_likes"),
            models.Index(F("save_count").desc(nulls_last=True), F("id").desc(), name="post_saves"),
            GinIndex(OpClass(Upper("caption"), name="gin_trgm_ops"), name="post_caption_search"),
        ]

    def __str__(self) -> str:
        return f"{self.content_type} {self.tiktok_id}"


class Slide(models.Model):
    """One picture of a photo post, in TikTok's order from 0."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey(TikTokPost, on_delete=models.CASCADE, related_name="slides")
    position = models.PositiveSmallIntegerField()
    asset = models.ForeignKey(CacheAsset, on_delete=models.PROTECT, related_name="slides")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["post", "position"]
        constraints = [models.UniqueConstraint(fields=["post", "position"], name="slide_position")]

    def __str__(self) -> str:
        return f"slide {self.position}"


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

    class Meta:
        verbose_name_plural = "profile metrics"
        constraints = [
            models.UniqueConstraint(fields=["profile", "captured_at"], name="profile_metrics_once")
        ]

    def __str__(self) -> str:
        return f"{self.captured_at:%Y-%m-%d %H:%M}"


class PostMetrics(models.Model):
    """A post's numbers as they were seen. Append-only: at first sight, then when one moved."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey(TikTokPost, on_delete=models.CASCADE, related_name="metrics")
    captured_at = models.DateTimeField()
    view_count = models.BigIntegerField(null=True)
    like_count = models.BigIntegerField(null=True)
    comment_count = models.BigIntegerField(null=True)
    share_count = models.BigIntegerField(null=True)
    save_count = models.BigIntegerField(null=True)

    class Meta:
        verbose_name_plural = "post metrics"
        constraints = [
            models.UniqueConstraint(fields=["post", "captured_at"], name="post_metrics_once")
        ]

    def __str__(self) -> str:
        return f"{self.captured_at:%Y-%m-%d %H:%M}"


class Trigger(models.TextChoices):
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    ADDED = "added"


class ProfileMonitoringLog(Work):
    """One run over a profile's posts: a work row and the log of what it did.

    ``cursor`` is the checkpoint, written in the transaction that stores the page before it.
    """

    QUEUE = "profile-monitor"
    TASK = "tiktok.tasks.run_monitoring"

    profile = models.ForeignKey(TikTokProfile, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=9, choices=Trigger.choices)
    force_recache = models.BooleanField(default=False)
    profile_fetched = models.BooleanField(default=False)
    cursor = models.TextField(blank=True, default="")
    region = models.CharField(max_length=2, blank=True, default="")  # asked for, if not the default
    pages_scraped = models.PositiveIntegerField(default=0)
    posts_scraped = models.PositiveIntegerField(default=0)
    posts_created = models.PositiveIntegerField(default=0)
    posts_updated = models.PositiveIntegerField(default=0)
    items_skipped = models.PositiveIntegerField(default=0)
    expected_posts = models.PositiveIntegerField(null=True)
    oldest_post_at = models.DateTimeField(null=True)  # of what it looked at, pinned ones aside
    stop_reason = models.CharField(max_length=40, blank=True, default="")
    credits_charged = models.PositiveIntegerField(default=0)
    credits_remaining = models.BigIntegerField(null=True)

    class Meta(Work.Meta):
        verbose_name = "monitoring run"
        constraints = [
            models.UniqueConstraint(
                fields=["profile"], condition=Q(status__in=UNFINISHED), name="one_open_run"
            )
        ]
        indexes = [
            *Work.Meta.indexes,
            models.Index(fields=["profile", "-created_at"], name="run_of_profile"),
            models.Index(fields=["-created_at", "-id"], name="run_newest"),
        ]


class ApiCall(models.Model):
    """The ledger: one row per call to ScrapeCreators. ``credits`` null: it may have been billed."""

    id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField()
    endpoint = models.CharField(max_length=80)
    http_status = models.PositiveSmallIntegerField(null=True)  # null: no answer came
    error_code = models.CharField(max_length=40, blank=True, default="")
    credits = models.PositiveIntegerField(null=True)
    credits_remaining = models.BigIntegerField(null=True)
    duration_ms = models.PositiveIntegerField()
    run = models.ForeignKey(
        ProfileMonitoringLog, null=True, on_delete=models.SET_NULL, related_name="calls"
    )
    profile = models.ForeignKey(
        TikTokProfile, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "API call"
        indexes = [models.Index(fields=["-started_at"], name="apicall_newest")]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.http_status or '-'}"

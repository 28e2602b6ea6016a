"""Posts, their slides, and their numbers over time."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

from carousel.lib.ids import uuid7
from media_cache.models import CacheAsset
from ocr.models import Reading
from tiktok.models.profile import TikTokProfile

# Photo posts that should have a reading and have none: a state that only an accident leaves behind.
UNREAD = Q(content_type="photo", slides_known=True, reading=None)


class ContentType(models.TextChoices):
    PHOTO = "photo"
    VIDEO = "video"


class TikTokPost(models.Model):
    """A post as last seen. Counts are 64-bit; null means unknown, which is not 0."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tiktok_id = models.TextField()
    # Without an index of its own: each of those that begin with it serves as well.
    profile = models.ForeignKey(
        TikTokProfile, on_delete=models.CASCADE, related_name="posts", db_index=False
    )
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
    # Most posts lack one of these two, and an index would have an entry for that, too.
    music_asset = models.ForeignKey(
        CacheAsset,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    cover = models.ForeignKey(
        CacheAsset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    video = models.ForeignKey(
        CacheAsset,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    reading = models.ForeignKey(
        Reading, null=True, blank=True, on_delete=models.SET_NULL, related_name="posts"
    )
    # False: the listing named no slides for this photo post; it has to be fetched alone.
    slides_known = models.BooleanField(default=True)
    lookups = models.PositiveSmallIntegerField(default=0)  # times it was fetched alone for them
    keep_media = models.BooleanField(
        default=False, db_default=False, help_text="Retention leaves its files alone."
    )

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
        # Not ``unique=True``, which would add a second index, for searching by the beginning.
        constraints = [models.UniqueConstraint(fields=["tiktok_id"], name="post_tiktok_id")]
        indexes = [
            models.Index(fields=["-published_at", "-id"], name="post_newest"),
            models.Index(fields=["profile", "-published_at", "-id"], name="post_of_profile"),
            models.Index(F("view_count").desc(nulls_last=True), F("id").desc(), name="post_views"),
            models.Index(F("like_count").desc(nulls_last=True), F("id").desc(), name="post_likes"),
            models.Index(F("save_count").desc(nulls_last=True), F("id").desc(), name="post_saves"),
            GinIndex(OpClass(Upper("caption"), name="gin_trgm_ops"), name="post_caption_search"),
            models.Index("id", name="post_unread", condition=UNREAD),
            models.Index("profile", name="post_slides_unknown", condition=Q(slides_known=False)),
            models.Index("profile", name="post_missed", condition=Q(misses__gt=0)),
            models.Index(fields=["id"], name="post_keep_media", condition=Q(keep_media=True)),
            models.Index("music_asset", name="post_music", condition=Q(music_asset__isnull=False)),
            models.Index("video", name="post_video", condition=Q(video__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.content_type} {self.tiktok_id}"


class Slide(models.Model):
    """One picture of a photo post, in TikTok's order from 0."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey(
        TikTokPost, on_delete=models.CASCADE, related_name="slides", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    asset = models.ForeignKey(CacheAsset, on_delete=models.PROTECT, related_name="slides")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["post", "position"]
        constraints = [models.UniqueConstraint(fields=["post", "position"], name="slide_position")]

    def __str__(self) -> str:
        return f"slide {self.position}"


class PostMetrics(models.Model):
    """A post's numbers as they were seen. Append-only: at first sight, then when one moved."""

    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey(
        TikTokPost, on_delete=models.CASCADE, related_name="metrics", db_index=False
    )
    captured_at = models.DateTimeField()
    view_count = models.BigIntegerField(null=True)
    like_count = models.BigIntegerField(null=True)
    comment_count = models.BigIntegerField(null=True)
    share_count = models.BigIntegerField(null=True)
    save_count = models.BigIntegerField(null=True)
    # A number is lower than it was: TikTok took views or likes back, or counts otherwise.
    decreased = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name_plural = "post metrics"
        constraints = [
            models.UniqueConstraint(fields=["post", "captured_at"], name="post_metrics_once")
        ]

    def __str__(self) -> str:
        return f"{self.captured_at:%Y-%m-%d %H:%M}"

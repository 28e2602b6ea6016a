"""Lists as tables: a column per field of the API, whose names they have.

Each is read in chunks of keys, with a constant number of queries per chunk. Rows that are deleted
meanwhile are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from carousel.lib.tabular import Row, Table, keyset
from ocr.models import SlideReading
from tiktok.insight.names import POST_FIGURES, PROFILE_FIGURES
from tiktok.models import (
    PostMetrics,
    ProfileMetrics,
    ProfileMonitoringLog,
    Slide,
    TikTokPost,
    TikTokProfile,
)
from tiktok.scraper.handles import post_url

Paths = Mapping[str, str]

COUNTS = {
    "viewCount": "view_count",
    "likeCount": "like_count",
    "commentCount": "comment_count",
    "shareCount": "share_count",
    "saveCount": "save_count",
}
POST = {
    "id": "id",
    "tiktokId": "tiktok_id",
    "profileId": "profile_id",
    "handle": "profile__handle",
    "contentType": "content_type",
    "title": "title",
    "description": "caption",
    "publishedAt": "published_at",
    "hashtags": "hashtags",
    "mentions": "mentions",
    "language": "language",
    "region": "region",
    "isPinned": "is_pinned",
    "isAd": "is_ad",
    "isPaidPartnership": "is_paid_partnership",
    "durationMs": "duration_ms",
    **COUNTS,
    **{name: f"insight__{column}" for name, column in POST_FIGURES.items()},
    "musicTitle": "music_title",
    "musicAuthor": "music_author",
    "ocrStatus": "reading__status",
    "ocrEngine": "reading__engine",
    "category": "reading__category__name",
    "categoryConfidence": "reading__category_confidence",
    "categorySource": "reading__category_source",
    "missingSince": "missing_since",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
PROFILE = {
    "id": "id",
    "tiktokUserId": "tiktok_user_id",
    "handle": "handle",
    "previousHandles": "previous_handles",
    "nickname": "nickname",
    "bio": "bio",
    "verified": "verified",
    "private": "private",
    "isOwnProfile": "is_own_profile",
    "followerCount": "follower_count",
    "followingCount": "following_count",
    "likeCount": "like_count",
    "videoCount": "video_count",
    "totalPosts": "total_posts",
    "totalViews": "total_views",
    "totalLikes": "total_likes",
    "totalComments": "total_comments",
    "totalShares": "total_shares",
    "totalSaves": "total_saves",
    **{name: f"insight__{column}" for name, column in PROFILE_FIGURES.items()},
    "monitoringEnabled": "monitoring_enabled",
    "monitoringIntervalMinutes": "monitoring_interval_minutes",
    "lastMonitoringRun": "last_monitoring_run",
    "nextMonitoringRun": "next_monitoring_run",
    "missingSince": "missing_since",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
RUN = {
    "id": "id",
    "profileId": "profile_id",
    "handle": "profile__handle",
    "trigger": "trigger",
    "forceRecache": "force_recache",
    "status": "status",
    "attempts": "attempts",
    "createdAt": "created_at",
    "startedAt": "started_at",
    "completedAt": "completed_at",
    "pagesScraped": "pages_scraped",
    "postsScraped": "posts_scraped",
    "postsCreated": "posts_created",
    "postsUpdated": "posts_updated",
    "itemsSkipped": "items_skipped",
    "expectedPosts": "expected_posts",
    "stopReason": "stop_reason",
    "isPartial": "is_partial",
    "oldestPostAt": "oldest_post_at",
    "creditsCharged": "credits_charged",
    "creditsRemaining": "credits_remaining",
    "errorCode": "error_code",
    "error": "error",
}
POST_SNAPSHOT = {
    "postId": "post_id",
    "tiktokId": "post__tiktok_id",
    "handle": "post__profile__handle",
    "capturedAt": "captured_at",
    **COUNTS,
    "decreased": "decreased",
}
PROFILE_SNAPSHOT = {
    "profileId": "profile_id",
    "handle": "profile__handle",
    "capturedAt": "captured_at",
    "followerCount": "follower_count",
    "followingCount": "following_count",
    "likeCount": "like_count",
    "videoCount": "video_count",
    "approximate": "approximate",
    "decreased": "decreased",
}
SLIDE = {
    "position": "position",
    "slideType": "slide_type",
    "text": "text",
    "description": "description",
    "slideLanguage": "language",
    "confidence": "confidence",
    "source": "source",
    "sha256": "asset__sha256",
}
POST_OF_SLIDE = {
    "postId": "id",
    "tiktokId": "tiktok_id",
    "handle": "profile__handle",
    "publishedAt": "published_at",
    "viewCount": "view_count",
    "category": "reading__category__name",
}


def _table(name: str, model: type[Model], paths: Paths) -> Table:
    """A table whose columns are all in a row or in those it points to: one query per chunk."""
    manager = model._default_manager

    def rows(chosen: QuerySet[Any]) -> Iterator[Row]:
        for keys in keyset(chosen):
            found = manager.filter(pk__in=keys).order_by().values_list("pk", *paths.values())
            by_key = {row[0]: row[1:] for row in found}
            yield from (by_key[key] for key in keys if key in by_key)

    return Table(name, tuple(paths), rows)


def _posts(chosen: QuerySet[TikTokPost]) -> Iterator[Row]:
    """Three queries per chunk: posts, how many slides they have, what these say."""
    base = _table("posts", TikTokPost, POST)
    at = base.columns.index
    handle, kind, tiktok_id = at("handle"), at("contentType"), at("tiktokId")
    for keys in keyset(chosen):
        rows = list(TikTokPost.objects.filter(pk__in=keys).order_by().values_list(*POST.values()))
        by_key = {row[0]: row for row in rows}
        slides = _slides(keys)
        for key in keys:
            if (row := by_key.get(key)) is None:
                continue
            url = post_url(row[handle], row[kind], row[tiktok_id])
            texts = [text for _, text, _ in slides[key]]
            kinds = [slide_type for _, _, slide_type in slides[key]]
            yield (*row, url, len(slides[key]), texts, kinds)


def _slides(posts: Sequence[UUID]) -> dict[UUID, list[tuple[int, str, str]]]:
    """Position, text and type of every slide of these posts, in order; empty where not read."""
    read = SlideReading.objects.filter(reading__posts__in=posts).order_by()
    texts = {
        (post, position): (text or "", slide_type)
        for post, position, text, slide_type in read.values_list(
            "reading__posts__pk", "position", "text", "slide_type"
        )
    }
    slides: dict[UUID, list[tuple[int, str, str]]] = defaultdict(list)
    shown = Slide.objects.filter(post__in=posts).order_by("post", "position")
    for post, position in shown.values_list("post_id", "position"):
        slides[post].append((position, *texts.get((post, position), ("", ""))))
    return slides


def _slide_rows(chosen: QuerySet[SlideReading]) -> Iterator[Row]:
    """Two queries per chunk: slides, and the posts that show them. One row for each of these."""
    for keys in keyset(chosen):
        rows = SlideReading.objects.filter(pk__in=keys).order_by()
        found = {
            pk: (reading, values)
            for pk, reading, *values in rows.values_list("pk", "reading_id", *SLIDE.values())
        }
        posts: dict[UUID, list[Sequence[Any]]] = defaultdict(list)
        readings = {reading for reading, _ in found.values()}
        shown = TikTokPost.objects.filter(reading__in=readings).order_by("pk")
        for reading, *post in shown.values_list("reading_id", *POST_OF_SLIDE.values()):
            posts[reading].append(post)
        for key in keys:
            reading, values = found.get(key, (None, ()))
            yield from ((*post, *values) for post in posts.get(reading, ()))


POSTS = Table("posts", (*POST, "url", "slideCount", "slideTexts", "slideTypes"), _posts)
PROFILES = _table("profiles", TikTokProfile, PROFILE)
RUNS = _table("runs", ProfileMonitoringLog, RUN)
POST_METRICS = _table("post-metrics", PostMetrics, POST_SNAPSHOT)
PROFILE_METRICS = _table("profile-metrics", ProfileMetrics, PROFILE_SNAPSHOT)
SLIDES = Table("slides", (*POST_OF_SLIDE, *SLIDE), _slide_rows)

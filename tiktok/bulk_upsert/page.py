"""Store a page of posts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from carousel.lib.ids import uuid7
from carousel.lib.work import Priority
from media_cache.services import MediaRequest, request_media
from ocr.services import ReadingRequest, request_readings
from tiktok.bulk_upsert.statements import KNOWN, LOCK, POSTS, SLIDES
from tiktok.models import ProfileMonitoringLog, TikTokProfile
from tiktok.scraper.schemas import ScrapedMedia, ScrapedPost

SEPARATOR = "\x1f"  # between tags; no tag holds a control character


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """What became of a page.

    ``created`` and ``updated`` count posts that the run had not seen before; ``total`` is how many
    posts of the profile we hold now. ``unseen`` and ``new`` leave pinned posts out: those that the
    run had not seen, and those that nobody had. ``foreign`` items belong to another account and
    were left alone. ``snapshots`` is how many posts' numbers moved, first sights included.
    """

    created: int = 0
    updated: int = 0
    total: int = 0
    unseen: int = 0
    new: int = 0
    foreign: int = 0
    snapshots: int = 0


def bulk_upsert(
    profile: TikTokProfile,
    posts: Sequence[ScrapedPost],
    *,
    captured_at: datetime,
    run: ProfileMonitoringLog | None = None,
    force_recache: bool = False,
    priority: Priority | None = None,
) -> UpsertResult:
    """Store ``posts`` of ``profile`` as seen at ``captured_at``, with all that hangs on them.

    Posts, slides, assets to be fetched (known ones get fresh links; ``force_recache`` fetches all
    of them again), readings of new photo posts, one snapshot per post whose numbers moved, and the
    profile's totals: all or nothing. Items of another account are left out. ``priority`` is that
    of the work this causes, the run's by default. Raises TikTokProfile.DoesNotExist if the
    profile was deleted meanwhile.
    """
    mine = {post.tiktok_id: post for post in posts if post.author.user_id == profile.tiktok_user_id}
    foreign = sum(post.author.user_id != profile.tiktok_user_id for post in posts)
    if not mine:
        return UpsertResult(total=profile.total_posts, foreign=foreign)
    if priority is None:
        priority = Priority(run.priority) if run else Priority.SCHEDULE
    with transaction.atomic(savepoint=False):
        page = _Page(profile.pk, list(mine.values()), run.pk if run else None)
        page.lock()
        page.assets = request_media(page.media(), priority=priority, refetch=force_recache)
        page.request_readings(priority)
        return page.write(captured_at, foreign)


@dataclass
class _Page:
    """The posts of one page on their way into the database."""

    profile_id: UUID
    posts: list[ScrapedPost]
    run_id: UUID | None
    known: dict[str, tuple[UUID | None, UUID | None]] = field(default_factory=dict)
    assets: dict[str, UUID] = field(default_factory=dict)
    readings: dict[str, UUID] = field(default_factory=dict)

    def lock(self) -> None:
        """Lock the profile and whoever else holds one of these posts; see which are known."""
        ids = [post.tiktok_id for post in self.posts]
        with connection.cursor() as cursor:
            cursor.execute(LOCK, {"profile": self.profile_id, "ids": ids})
            if (self.profile_id,) not in cursor.fetchall():
                raise TikTokProfile.DoesNotExist("The profile was deleted meanwhile.")
            cursor.execute(KNOWN, {"ids": ids})
            self.known = {key: (reading, run) for key, reading, run in cursor.fetchall()}

    def media(self) -> list[MediaRequest]:
        """Every file of every post."""
        found: list[MediaRequest] = []
        for post in self.posts:
            found += [_request(slide.media) for slide in post.slides]
            sound = post.music.media if post.music else None
            found += [_request(media) for media in (post.cover, post.video, sound) if media]
        return found

    def has_slides(self, post: ScrapedPost) -> bool:
        """Whether the slides are known and each can be fetched."""
        return post.slides_known and all(s.media.source_key in self.assets for s in post.slides)

    def request_readings(self, priority: Priority) -> None:
        """One reading for each photo post that has none."""
        unread = [
            post
            for post in self.posts
            if post.slides
            and self.known.get(post.tiktok_id, (None,))[0] is None
            and self.has_slides(post)
        ]
        requests = [
            ReadingRequest(
                tuple(self.assets[slide.media.source_key] for slide in post.slides),
                "\n".join(filter(None, (post.title, post.caption))),
                post.language,
            )
            for post in unread
        ]
        ids = request_readings(requests, priority=priority)
        self.readings = {post.tiktok_id: pk for post, pk in zip(unread, ids, strict=True)}

    def write(self, captured_at: datetime, foreign: int) -> UpsertResult:
        """Write posts, snapshots, totals and slides."""
        sighting = {
            "profile": self.profile_id,
            "captured_at": captured_at,
            "run": self.run_id,
        }
        rows = [self.row(post) for post in self.posts]
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
        with connection.cursor() as cursor:
            cursor.execute(POSTS, columns | sighting)
            written = cursor.fetchall()
            slides = list(self.slides({tiktok_id: pk for pk, tiktok_id, _, _ in written}))
            if slides:
                names = ("posts", "positions", "assets", "widths", "heights")
                cursor.execute(
                    SLIDES, dict(zip(names, map(list, zip(*slides, strict=True)), strict=True))
                )
        return self.result(total=written[0][2], snapshots=written[0][3], foreign=foreign)

    def row(self, post: ScrapedPost) -> dict[str, Any]:
        """The post's columns, by the names of the statement's parameters."""
        music = post.music
        return {
            "id": uuid7(),
            "tiktok_id": post.tiktok_id,
            "content_type": post.content_type,
            "caption": post.caption,
            "title": post.title,
            "published_at": post.published_at,
            "hashtags": SEPARATOR.join(post.hashtags),
            "mentions": SEPARATOR.join(post.mentions),
            "region": post.region,
            "language": post.language,
            "is_pinned": post.is_pinned,
            "is_ad": post.is_ad,
            "is_paid": post.is_paid_partnership,
            "is_deleted": post.is_deleted,
            "duration_ms": post.duration_ms,
            "music_id": (music.id if music else None) or "",
            "music_title": music.title if music else "",
            "music_author": music.author if music else "",
            "music_asset": self.asset(music.media if music else None),
            "cover": self.asset(post.cover),
            "video": self.asset(post.video),
            "reading": self.readings.get(post.tiktok_id),
            "slides_known": self.has_slides(post),
            "views": post.view_count,
            "likes": post.like_count,
            "comments": post.comment_count,
            "shares": post.share_count,
            "saves": post.save_count,
        }

    def asset(self, media: ScrapedMedia | None) -> UUID | None:
        """The asset that keeps this file; none if it came without a link."""
        return self.assets.get(media.source_key) if media else None

    def slides(self, ids: dict[str, UUID]) -> Iterator[tuple[Any, ...]]:
        """Post, position, asset, width and height of each slide that can be fetched."""
        for post in self.posts:
            for slide in post.slides:
                if asset := self.assets.get(slide.media.source_key):
                    yield ids[post.tiktok_id], slide.position, asset, slide.width, slide.height

    def result(self, *, total: int, snapshots: int, foreign: int) -> UpsertResult:
        """Count by who had seen the posts before."""
        new = [post for post in self.posts if post.tiktok_id not in self.known]
        seen_by_run = {
            key for key, (_, run) in self.known.items() if self.run_id and run == self.run_id
        }
        unseen = [post for post in self.posts if post.tiktok_id not in seen_by_run]
        return UpsertResult(
            created=len(new),
            updated=len(unseen) - len(new),
            total=total,
            unseen=sum(not post.is_pinned for post in unseen),
            new=sum(not post.is_pinned for post in new),
            foreign=foreign,
            snapshots=snapshots,
        )


def _request(media: ScrapedMedia) -> MediaRequest:
    return MediaRequest(media.kind, media.source_key, media.urls, media.expires_at, media.byte_size)

"""Store a page of posts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from carousel.lib import arrays
from carousel.lib.copying import copy_rows
from carousel.lib.ids import uuid7s
from carousel.lib.work import Priority
from media_cache.services import MediaRequest, request_media
from ocr.services import ReadingRequest, request_readings
from tiktok.bulk_upsert.statements import KNOWN, LOCK, POSTS, SLIDES
from tiktok.models import ProfileMonitoringLog, TikTokProfile
from tiktok.scraper.schemas import ScrapedMedia, ScrapedMusic, ScrapedPost

SEPARATOR = "\x1d"  # between tags; no tag holds a control character
SLIDE_COLUMNS = ("post_id", "position", "asset_id", "width", "height")
SILENCE = ScrapedMusic("", "")


class Known(NamedTuple):
    """What was known of a post: its reading, the last run that saw it, its slides' assets."""

    reading: UUID | None
    run: UUID | None
    slides: list[UUID]


NEW = Known(None, None, [])


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
    page = _Page(profile.pk, list(mine.values()), run.pk if run else None)
    try:
        return page.store(captured_at, foreign, priority, refetch=force_recache)
    except IntegrityError:
        if connection.in_atomic_block:
            raise
        # A file that these posts show went with the last post of another profile that did.
        return page.store(captured_at, foreign, priority, refetch=force_recache)


@dataclass
class _Page:
    """The posts of one page on their way into the database."""

    profile_id: UUID
    posts: list[ScrapedPost]
    run_id: UUID | None
    known: dict[str, Known] = field(default_factory=dict)
    assets: dict[str, UUID] = field(default_factory=dict)
    readings: dict[str, UUID] = field(default_factory=dict)

    def store(
        self, captured_at: datetime, foreign: int, priority: Priority, *, refetch: bool
    ) -> UpsertResult:
        """Write everything, or nothing."""
        with transaction.atomic(savepoint=False):
            self.lock()
            self.assets = request_media(self.media(), priority=priority, refetch=refetch)
            self.request_readings(priority)
            return self.write(captured_at, foreign)

    def lock(self) -> None:
        """Lock the profile and whoever else holds one of these posts; see which are known."""
        ids = arrays.texts([post.tiktok_id for post in self.posts])
        with connection.cursor() as cursor:
            cursor.execute(LOCK, {"profile": self.profile_id, "ids": ids})
            if (self.profile_id,) not in cursor.fetchall():
                raise TikTokProfile.DoesNotExist("The profile was deleted meanwhile.")
            cursor.execute(KNOWN, {"ids": ids})
            self.known = {key: Known(*rest) for key, *rest in cursor.fetchall()}

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
        return post.slides_known and self.assets.keys() >= {s.media.source_key for s in post.slides}

    def request_readings(self, priority: Priority) -> None:
        """One reading for each photo post that has none."""
        unread = [
            post
            for post in self.posts
            if post.slides
            and self.known.get(post.tiktok_id, NEW).reading is None
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
        sighting = {"profile": self.profile_id, "captured_at": captured_at, "run": self.run_id}
        with connection.cursor() as cursor:
            cursor.execute(POSTS, self.columns() | sighting)
            written = cursor.fetchall()
        self.write_slides({tiktok_id: pk for pk, tiktok_id, _, _ in written})
        return self.result(total=written[0][2], snapshots=written[0][3], foreign=foreign)

    def write_slides(self, ids: dict[str, UUID]) -> None:
        """Add the slides of new posts, and mend those of known ones."""
        fresh: list[tuple[Any, ...]] = []
        known: list[tuple[Any, ...]] = []
        for post in self.posts:
            (known if post.tiktok_id in self.known else fresh).extend(self.slides(post, ids))
        if fresh:
            columns = zip(SLIDE_COLUMNS, zip(*fresh, strict=True), strict=True)
            copy_rows("tiktok_slide", dict(columns), {})
        if known:
            owners, positions, assets, widths, heights = zip(*known, strict=True)
            params = {
                "posts": arrays.uuids(owners),
                "positions": arrays.plain(positions),
                "assets": arrays.uuids(assets),
                "widths": arrays.plain(widths),
                "heights": arrays.plain(heights),
            }
            with connection.cursor() as cursor:
                cursor.execute(SLIDES, params)

    def columns(self) -> dict[str, Any]:
        """The posts, a column per parameter of the statement."""
        posts, texts, plain, uuids = self.posts, arrays.texts, arrays.plain, arrays.uuids
        sounds = [post.music or SILENCE for post in posts]
        return {
            "id": uuids(uuid7s(len(posts))),
            "tiktok_id": texts([post.tiktok_id for post in posts]),
            "content_type": texts([post.content_type for post in posts]),
            "caption": texts([post.caption for post in posts]),
            "title": texts([post.title for post in posts]),
            "published_at": plain([post.published_at for post in posts]),
            "hashtags": texts([SEPARATOR.join(post.hashtags) for post in posts]),
            "mentions": texts([SEPARATOR.join(post.mentions) for post in posts]),
            "region": texts([post.region for post in posts]),
            "language": texts([post.language for post in posts]),
            "is_pinned": plain([post.is_pinned for post in posts]),
            "is_ad": plain([post.is_ad for post in posts]),
            "is_paid": plain([post.is_paid_partnership for post in posts]),
            "is_deleted": plain([post.is_deleted for post in posts]),
            "duration_ms": plain([post.duration_ms for post in posts]),
            "music_id": texts([sound.id or "" for sound in sounds]),
            "music_title": texts([sound.title for sound in sounds]),
            "music_author": texts([sound.author for sound in sounds]),
            "music_asset": uuids([self.asset(sound.media) for sound in sounds]),
            "cover": uuids([self.asset(post.cover) for post in posts]),
            "video": uuids([self.asset(post.video) for post in posts]),
            "reading": uuids([self.readings.get(post.tiktok_id) for post in posts]),
            "slides_known": plain([self.has_slides(post) for post in posts]),
            "views": plain([post.view_count for post in posts]),
            "likes": plain([post.like_count for post in posts]),
            "comments": plain([post.comment_count for post in posts]),
            "shares": plain([post.share_count for post in posts]),
            "saves": plain([post.save_count for post in posts]),
        }

    def asset(self, media: ScrapedMedia | None) -> UUID | None:
        """The asset that keeps this file; none if it came without a link."""
        return self.assets.get(media.source_key) if media else None

    def slides(self, post: ScrapedPost, ids: dict[str, UUID]) -> Iterator[tuple[Any, ...]]:
        """The ``SLIDE_COLUMNS`` of each slide, if one of them is new or another one now."""
        known = self.known.get(post.tiktok_id, NEW).slides
        found = [self.assets.get(slide.media.source_key) for slide in post.slides]
        if found == known[: len(found)]:
            return
        for slide, asset in zip(post.slides, found, strict=True):
            if asset:
                yield ids[post.tiktok_id], slide.position, asset, slide.width, slide.height

    def result(self, *, total: int, snapshots: int, foreign: int) -> UpsertResult:
        """Count by who had seen the posts before."""
        new = [post for post in self.posts if post.tiktok_id not in self.known]
        seen_by_run = {
            key for key, known in self.known.items() if self.run_id and known.run == self.run_id
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

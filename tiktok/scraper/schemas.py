"""What leaves the scraper: frozen, clean objects. Past this edge there are no dicts.

All text is free of NUL and lone surrogates, ids are strings as TikTok wrote them, times are
aware and in UTC, and a number that was missing, negative or unreadable is ``None``, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ContentType = Literal["photo", "video"]
MediaKind = Literal["image", "video", "audio", "cover", "avatar"]


@dataclass(frozen=True, slots=True)
class ScrapedMedia:
    """One file on TikTok's CDN and the links that lead to it now.

    ``source_key`` names the variant for good: it is built from TikTok's own ``uri`` and is the
    same in every answer, while hosts, signatures and expiry change. ``urls`` are exact bytes
    (a signature covers them), best first. ``expires_at`` is when the first of them dies, or
    ``None`` where the link doesn't say.
    """

    kind: MediaKind
    source_key: str
    urls: tuple[str, ...]
    expires_at: datetime | None = None
    byte_size: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class ScrapedSlide:
    """One picture of a carousel. ``position`` counts from 0 in TikTok's order.

    ``width`` and ``height`` are in pixels, as TikTok states them.
    """

    position: int
    media: ScrapedMedia
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class ScrapedMusic:
    """The sound of a post. ``id`` is TikTok's, ``None`` where only a rounded number came."""

    title: str
    author: str
    id: str | None = None
    media: ScrapedMedia | None = None


@dataclass(frozen=True, slots=True)
class AuthorCounts:
    """An account's numbers as told beside one of its posts: exact, but told only by some calls."""

    follower_count: int | None = None
    following_count: int | None = None
    like_count: int | None = None
    video_count: int | None = None


@dataclass(frozen=True, slots=True)
class ScrapedAuthor:
    """Whose post it is. ``handle`` may be missing and may change; ``user_id`` never does."""

    user_id: str
    sec_uid: str | None = None
    handle: str | None = None
    nickname: str = ""
    avatar: ScrapedMedia | None = None
    counts: AuthorCounts | None = None


@dataclass(frozen=True, slots=True)
class ScrapedPost:
    """One post, photo or video.

    ``slides_known`` is False where a photo post came with its list of pictures missing or
    incomplete: ask for the post by itself, and don't read the gap as a removal. ``url`` is built
    by us; where the author's handle didn't come along it has ``@_``, which TikTok resolves too.
    """

    tiktok_id: str
    author: ScrapedAuthor
    content_type: ContentType
    published_at: datetime
    url: str
    caption: str = ""
    title: str = ""
    hashtags: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    region: str = ""
    language: str = ""
    is_pinned: bool = False
    is_ad: bool = False
    is_paid_partnership: bool = False
    is_deleted: bool = False
    is_private: bool = False
    duration_ms: int | None = None
    view_count: int | None = None
    like_count: int | None = None
    comment_count: int | None = None
    share_count: int | None = None
    save_count: int | None = None
    cover: ScrapedMedia | None = None
    video: ScrapedMedia | None = None
    music: ScrapedMusic | None = None
    slides: tuple[ScrapedSlide, ...] = ()
    slides_known: bool = True


@dataclass(frozen=True, slots=True)
class ScrapedProfile:
    """One account. ``counts_are_exact`` is False where TikTok rounded any number it gave."""

    tiktok_user_id: str
    handle: str
    sec_uid: str | None = None
    nickname: str = ""
    bio: str = ""
    verified: bool = False
    private: bool = False
    avatar: ScrapedMedia | None = None
    follower_count: int | None = None
    following_count: int | None = None
    like_count: int | None = None
    video_count: int | None = None
    counts_are_exact: bool = False
    region: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """An item of a page that can't be kept: why, and its id where it has one."""

    reason: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Credits:
    """What the answer says of the account: ``None`` where it says nothing.

    ``cached`` answers are free, and old: their signed links may be dead.
    """

    charged: int | None = None
    remaining: int | None = None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What every answer carries beside its content."""

    credits: Credits

    @property
    def credits_charged(self) -> int | None:
        return self.credits.charged

    @property
    def credits_remaining(self) -> int | None:
        return self.credits.remaining

    @property
    def cached(self) -> bool:
        return self.credits.cached


@dataclass(frozen=True, slots=True)
class ProfileAnswer(Answer):
    profile: ScrapedProfile


@dataclass(frozen=True, slots=True)
class VideoAnswer(Answer):
    """One post. ``transcript`` is WebVTT, where one was asked for and exists."""

    post: ScrapedPost
    transcript: str | None = None


@dataclass(frozen=True, slots=True)
class VideosPage(Answer):
    """A page of an account's posts: pinned ones first (three at most), then newest first.

    ``cursor`` goes into the next call verbatim; ``None`` means that there is nowhere to go on.
    ``duplicates`` counts repeats within this page, which were dropped. ``region_hint`` is the
    region to ask again with before an empty page may be believed. ``server_time`` is TikTok's
    own clock.
    """

    posts: tuple[ScrapedPost, ...]
    skipped: tuple[SkippedItem, ...] = ()
    cursor: str | None = None
    has_more: bool = False
    duplicates: int = 0
    region_hint: str | None = None
    server_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One call as the provider's own books have it: the arbiter for calls that timed out."""

    id: str
    endpoint: str
    status_code: int | None
    duration_ms: int | None
    success: bool
    credits: int | None
    requested_at: datetime | None
    method: str
    payload: dict[str, str]


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """One day in the provider's books. ``day`` is its ISO date."""

    day: str
    credits: int
    requests: int

"""Scraped objects and profiles for tests, as plain as they can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tiktok.models import TikTokProfile
from tiktok.scraper.schemas import (
    ScrapedAuthor,
    ScrapedMedia,
    ScrapedMusic,
    ScrapedPost,
    ScrapedProfile,
    ScrapedSlide,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def make_profile(number: int = 1, **fields: Any) -> TikTokProfile:
    """A profile in the database; ``number`` gives it its user id and handle."""
    wanted = {"tiktok_user_id": f"66{number:017}", "handle": f"user{number}"} | fields
    return TikTokProfile.objects.create(**wanted)


def scraped_media(kind: Any, key: str, *, signature: str = "a", **fields: Any) -> ScrapedMedia:
    """A file; another ``signature`` makes other links to the same file."""
    urls = tuple(f"https://p{n}.tiktokcdn.com/{key}?x-signature={signature}%3D" for n in (16, 19))
    return ScrapedMedia(kind, key, urls, **fields)


def scraped_post(
    number: int,
    *,
    author: TikTokProfile | str,
    slides: int = 2,
    views: int | None = 100,
    signature: str = "a",
    **fields: Any,
) -> ScrapedPost:
    """A photo post with so many slides, a cover and a sound of its own; a video if ``slides`` is 0.

    A higher ``number`` is a younger post.
    """
    user_id = author if isinstance(author, str) else author.tiktok_user_id
    tiktok_id = f"75{number:017}"
    photo = bool(slides) or not fields.get("slides_known", True)
    wanted: dict[str, Any] = {
        "tiktok_id": tiktok_id,
        "author": ScrapedAuthor(user_id),
        "content_type": "photo" if photo else "video",
        "published_at": NOON + timedelta(hours=number),
        "url": f"https://www.tiktok.com/@_/{'photo' if photo else 'video'}/{tiktok_id}",
        "caption": f"Caption {number} #tag",
        "hashtags": ("tag",),
        "mentions": ("someone",),
        "view_count": views,
        "like_count": 10,
        "comment_count": 5,
        "share_count": 3,
        "save_count": 2,
        "cover": scraped_media("cover", f"cover-{number}", signature=signature),
        "music": ScrapedMusic(
            "Song", "Singer", "77", scraped_media("audio", f"sound-{number}", signature=signature)
        ),
        "slides": tuple(
            ScrapedSlide(
                position,
                scraped_media("image", f"slide-{number}-{position}", signature=signature),
                1080,
                1440,
            )
            for position in range(slides)
        ),
    }
    if not photo:
        wanted["video"] = scraped_media("video", f"video-{number}", signature=signature)
    return ScrapedPost(**wanted | fields)


def scraped_profile(number: int = 1, **fields: Any) -> ScrapedProfile:
    """The account of ``make_profile(number)``, with exact numbers."""
    wanted: dict[str, Any] = {
        "tiktok_user_id": f"66{number:017}",
        "handle": f"user{number}",
        "nickname": f"User {number}",
        "follower_count": 1000,
        "following_count": 50,
        "like_count": 9000,
        "video_count": 30,
        "counts_are_exact": True,
    }
    return ScrapedProfile(**wanted | fields)

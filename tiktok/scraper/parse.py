"""Turn decoded answers into our own objects. Pure: no network, no clock, no settings.

Every function takes decoded JSON of any shape and either answers or raises ``ScrapeError``; one
bad item of a page is counted and skipped, never fatal. ``what`` names the thing asked for in
errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tiktok.scraper import answers, values
from tiktok.scraper.errors import ScrapeError, failure, status_failure, tiktok_failure
from tiktok.scraper.media import read_avatar
from tiktok.scraper.posts import read_post
from tiktok.scraper.schemas import (
    Credits,
    ProfileAnswer,
    ScrapedPost,
    ScrapedProfile,
    SkippedItem,
    VideoAnswer,
    VideosPage,
)

_NO_CURSOR = ("", "0", "-1")
_ABSENT: Any = ()  # neither null nor a list nor an object


def parse_profile(answer: object, *, what: str = "profile") -> ProfileAnswer:
    """The account in an answer of ``/v1/tiktok/profile``."""
    body, envelope = open_answer(answer, what)
    found = answers.Profile.model_validate(body)
    user = found.user
    if user is None or user.id is None or user.uniqueId is None:
        raise _without_content(envelope, what, "the account's id or handle is missing")
    numbers, are_exact = _profile_counts(found)
    profile = ScrapedProfile(
        tiktok_user_id=user.id,
        handle=user.uniqueId,
        sec_uid=user.secUid,
        nickname=user.nickname,
        bio=user.signature,
        verified=user.verified,
        private=user.privateAccount or user.secret,
        avatar=read_avatar(user),
        follower_count=numbers[0],
        following_count=numbers[1],
        like_count=numbers[2],
        video_count=numbers[3],
        counts_are_exact=are_exact,
        region=user.region,
        language=user.language,
    )
    return ProfileAnswer(_credits(envelope), profile)


def _profile_counts(found: answers.Profile) -> tuple[list[int | None], bool]:
    """Followers, following, likes and videos, and whether every known one is exact."""
    exact = _four(found.stats_v2 or answers.Stats())
    rounded = _four(found.stats or answers.Stats())
    best = [sure if sure is not None else rough for sure, rough in zip(exact, rounded, strict=True)]
    return best, exact == best and any(number is not None for number in exact)


def _four(stats: answers.Stats) -> list[int | None]:
    likes = stats.heartCount if stats.heartCount is not None else stats.heart
    return [stats.followerCount, stats.followingCount, likes, stats.videoCount]


def parse_page(answer: object, *, what: str = "videos") -> VideosPage:
    """A page of posts from an answer of ``/v3/tiktok/profile/videos``.

    ``null`` for the list is TikTok's way to write an empty one. TikTok's own error code counts only
    where no post came with it. Where ``has_more`` is missing, as in trimmed answers, a cursor and
    a post stand for it.
    """
    body, envelope = open_answer(answer, what)
    listed = body.get("aweme_list", _ABSENT)
    if not listed and (told := _tiktok_code(envelope)):
        raise tiktok_failure(told, what, detail=_tiktok_words(envelope))
    if listed is not None and not isinstance(listed, list):
        raise failure("malformed_answer", what, detail="aweme_list is missing or not a list")
    posts, skipped, duplicates = _read_posts(listed or [])
    page = answers.Page.model_validate(body)
    cursor = _cursor(page.max_cursor)
    told_more = "has_more" in body
    return VideosPage(
        _credits(envelope),
        posts=posts,
        skipped=skipped,
        cursor=cursor,
        has_more=values.flag(page.has_more) if told_more else bool(cursor and listed),
        duplicates=duplicates,
        server_time=page.extra.now if page.extra else None,
    )


def _read_posts(
    listed: Iterable[object],
) -> tuple[tuple[ScrapedPost, ...], tuple[SkippedItem, ...], int]:
    """Posts, skipped items, and how many repeated an earlier post of the same page."""
    posts: dict[str, ScrapedPost] = {}
    skipped: list[SkippedItem] = []
    duplicates = 0
    for item in listed:
        found = read_post(item)
        if isinstance(found, SkippedItem):
            skipped.append(found)
        elif found.tiktok_id in posts:
            duplicates += 1
        else:
            posts[found.tiktok_id] = found
    return tuple(posts.values()), tuple(skipped), duplicates


def _cursor(value: object) -> str | None:
    """The cursor as text, whatever type it came as; 0, -1 and nothing mean the end."""
    whole = values.number(value)
    told = str(whole) if whole is not None else values.text(value).strip()
    return None if told in _NO_CURSOR or len(told) > 200 else told


def parse_video(answer: object, *, what: str = "post") -> VideoAnswer:
    """The post in an answer of ``/v2/tiktok/video``; a null post is ``not_found``."""
    body, envelope = open_answer(answer, what)
    detail = body.get("aweme_detail", _ABSENT)
    if detail is None and not _tiktok_code(envelope):
        raise failure("not_found", what, detail="aweme_detail is null")
    found = read_post(detail)
    if isinstance(found, SkippedItem):
        raise _without_content(envelope, what, f"aweme_detail: {found.reason}")
    return VideoAnswer(_credits(envelope), found, values.text(body.get("transcript")) or None)


def open_answer(answer: object, what: str) -> tuple[dict[str, Any], answers.Envelope]:
    """The answer as an object, with its envelope. Raises for an error told under HTTP 200."""
    if not isinstance(answer, dict):
        raise failure("malformed_answer", what, detail="not a JSON object")
    envelope = answers.Envelope.model_validate(answer)
    if envelope.success is False:
        raise status_failure(envelope.errorStatus or 0, what, detail=envelope.words)
    return answer, envelope


def _without_content(envelope: answers.Envelope, what: str, missing: str) -> ScrapeError:
    if told := _tiktok_code(envelope):
        return tiktok_failure(told, what, detail=_tiktok_words(envelope))
    words = f"; {envelope.words}" if envelope.words else ""
    return failure("malformed_answer", what, detail=f"{missing}{words}")


def _tiktok_code(envelope: answers.Envelope) -> int:
    return envelope.status_code or envelope.statusCode or 0


def _tiktok_words(envelope: answers.Envelope) -> str:
    return envelope.status_msg or envelope.statusMsg


def _credits(envelope: answers.Envelope) -> Credits:
    return Credits(envelope.credits_charged, envelope.credits_remaining, envelope.cached)

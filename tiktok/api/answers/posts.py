"""Posts with their files, slides and texts.

A page of any size takes four queries: posts with what hangs on them one to one, slides, texts,
files. Rows are read as plain values: building objects would take longer than the database does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from carousel.api.errors import missing
from carousel.api.times import iso
from carousel.lib.work import Status
from media_cache.api.serializers import Answer, asset_answers
from ocr.models import SlideReading
from tiktok.api.answers.insight import COLUMNS, post_insight
from tiktok.models import Slide, TikTokPost

POST = (
    *("id", "tiktok_id", "profile_id", "profile__handle", "content_type", "title", "caption"),
    *("published_at", "hashtags", "mentions", "language", "region", "is_pinned", "is_ad"),
    *("is_paid_partnership", "duration_ms", "view_count", "like_count", "comment_count"),
    *("share_count", "save_count", "cover_id", "video_id", "music_title", "music_author"),
    *("music_asset_id", "music_id", "missing_since", "created_at", "updated_at", "reading_id"),
    *("reading__status", "reading__error", "reading__completed_at", "reading__engine"),
    *("reading__category_id", "reading__category__name", "reading__category_confidence"),
    "reading__category_source",
    *COLUMNS,
)
SLIDE = ("post_id", "position", "width", "height", "asset_id")
TEXT = (
    *("reading_id", "position", "text", "description", "slide_type", "confidence", "source"),
)  # fmt: skip

Row = Mapping[str, Any]
Assets = Mapping[UUID | None, Answer]


def post_answers(keys: Sequence[UUID], base_url: str) -> list[Answer]:
    """Posts in the order of ``keys``; those that are gone are left out."""
    posts = {row["id"]: row for row in TikTokPost.objects.filter(pk__in=keys).values(*POST)}
    slides = list(Slide.objects.filter(post_id__in=posts).order_by("position").values(*SLIDE))
    texts = _texts(row["reading_id"] for row in posts.values())
    assets = asset_answers(_asset_ids(posts.values(), slides), base_url)
    by_post: dict[UUID, list[Answer]] = defaultdict(list)
    for slide in slides:
        post = posts[slide["post_id"]]
        text = texts.get((post["reading_id"], slide["position"]))
        by_post[post["id"]].append(_slide(slide, text, assets))
    return [_post(posts[key], by_post[key], assets) for key in keys if key in posts]


def post_answer(key: UUID, base_url: str) -> Answer:
    """One post. Raises ApiProblem 404."""
    for answer in post_answers([key], base_url):
        return answer
    raise missing("post", key)


def _texts(readings: Iterable[UUID | None]) -> dict[tuple[UUID, int], Row]:
    wanted = [pk for pk in readings if pk is not None]
    if not wanted:
        return {}
    rows = SlideReading.objects.filter(reading_id__in=wanted).order_by().values(*TEXT)
    return {(row["reading_id"], row["position"]): row for row in rows}


def _asset_ids(posts: Iterable[Row], slides: Iterable[Row]) -> Iterable[UUID | None]:
    for post in posts:
        yield from (post["cover_id"], post["video_id"], post["music_asset_id"])
    for slide in slides:
        yield slide["asset_id"]


def _post(row: Row, slides: list[Answer], assets: Assets) -> Answer:
    return {
        "id": str(row["id"]),
        "tiktokId": row["tiktok_id"],
        "profileId": str(row["profile_id"]),
        "handle": row["profile__handle"],
        "contentType": row["content_type"],
        "url": post_url(row["profile__handle"], row["content_type"], row["tiktok_id"]),
        "title": row["title"],
        "description": row["caption"],
        "publishedAt": iso(row["published_at"]),
        "hashtags": row["hashtags"],
        "mentions": row["mentions"],
        "language": row["language"],
        "region": row["region"],
        "isPinned": row["is_pinned"],
        "isAd": row["is_ad"],
        "isPaidPartnership": row["is_paid_partnership"],
        "durationMs": row["duration_ms"],
        "viewCount": row["view_count"],
        "likeCount": row["like_count"],
        "commentCount": row["comment_count"],
        "shareCount": row["share_count"],
        "saveCount": row["save_count"],
        "cover": assets.get(row["cover_id"]),
        "video": assets.get(row["video_id"]),
        "music": _music(row, assets),
        "slides": slides,
        **_reading(row),
        "insight": post_insight(row),
        "missingSince": iso(row["missing_since"]),
        "createdAt": iso(row["created_at"]),
        "updatedAt": iso(row["updated_at"]),
    }


def _reading(row: Row) -> Answer:
    """What the reader found out about the post as a whole."""
    category = row["reading__category_id"]
    read = row["reading__status"] == Status.COMPLETED
    return {
        "ocrStatus": row["reading__status"],
        "ocrError": row["reading__error"] or "",
        "ocrProcessedAt": iso(row["reading__completed_at"]) if read else None,
        "ocrEngine": row["reading__engine"] or None,
        "category": {"id": str(category), "name": row["reading__category__name"]}
        if category
        else None,
        "categoryConfidence": row["reading__category_confidence"],
        "categorySource": row["reading__category_source"] or None,
    }


def _slide(slide: Row, text: Row | None, assets: Assets) -> Answer:
    answer: Answer = {
        "position": slide["position"],
        "width": slide["width"],
        "height": slide["height"],
        "asset": assets[slide["asset_id"]],
        "text": None,
        "description": None,
        "slideType": None,
        "confidence": None,
        "source": None,
    }
    if text is not None:
        answer["text"] = text["text"]
        if text["text"] is not None or text["description"]:
            answer["description"] = text["description"]
        answer["slideType"] = text["slide_type"] or None
        answer["confidence"] = text["confidence"]
        answer["source"] = text["source"] or None
    return answer


def _music(row: Row, assets: Assets) -> Answer | None:
    asset = assets.get(row["music_asset_id"])
    if not (asset or row["music_id"] or row["music_title"] or row["music_author"]):
        return None
    return {"title": row["music_title"], "author": row["music_author"], "asset": asset}


def post_url(handle: str, content_type: str, tiktok_id: str) -> str:
    """The post's page; TikTok resolves ``@_`` where the handle is not known."""
    return f"https://www.tiktok.com/@{handle or '_'}/{content_type}/{tiktok_id}"

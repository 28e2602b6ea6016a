"""Rows for the tests of the API."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from media_cache.models import CacheAsset
from ocr.fold import searchable
from ocr.models import Reading, SlideReading
from tiktok.models import Slide, TikTokPost, TikTokProfile

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def make_profile(handle: str = "", **fields: Any) -> TikTokProfile:
    n = next(_numbers)
    known = {
        "tiktok_user_id": f"66500{n}",
        "handle": handle or f"someone.{n}",
        "nickname": f"N {n}",
    }
    return TikTokProfile.objects.create(**{**known, **fields})


def make_asset(kind: str = "image", *, stored: bool = True, **fields: Any) -> CacheAsset:
    n = next(_numbers)
    known: dict[str, Any] = {
        "kind": kind,
        "source_key": f"key-{n}",
        "source_urls": [f"https://p16.tiktokcdn.com/{n}.jpeg?sig=1"],
    }
    if stored:
        known |= {
            "status": "completed",
            "sha256": f"{n:064x}",
            "storage_key": f"{n % 256:02x}/{n:064x}.jpg",
            "content_type": "image/jpeg",
            "original_content_type": "image/heic",
            "byte_size": 1000 + n,
            "width": 1080,
            "height": 1440,
        }
    asset: CacheAsset = CacheAsset.objects.create(**{**known, **fields})
    return asset


def make_reading(
    assets: Sequence[CacheAsset], texts: Sequence[str | None], **fields: Any
) -> Reading:
    known = {"status": "completed", "engine": "local", "completed_at": START, **fields}
    reading: Reading = Reading.objects.create(**known)
    SlideReading.objects.bulk_create(
        SlideReading(
            reading=reading,
            position=place,
            asset=asset,
            text=text,
            search_text=searchable(text or ""),
            description="" if text is None else f"picture {place}",
            slide_type="" if text is None else "content",
            confidence=None if text is None else 0.9,
            source="" if text is None else "ai",
        )
        for place, (asset, text) in enumerate(zip(assets, texts, strict=True))
    )
    return reading


def make_post(
    profile: TikTokProfile | None = None,
    texts: Sequence[str | None] = ("one", "two"),
    *,
    reading: dict[str, Any] | None = None,
    **fields: Any,
) -> TikTokPost:
    """A photo post with one slide per text, stored and read; ``texts=()`` makes it a video."""
    n = next(_numbers)
    assets = [make_asset() for _ in texts]
    known: dict[str, Any] = {
        "tiktok_id": f"7540{n}",
        "profile": profile or make_profile(),
        "content_type": "photo" if texts else "video",
        "caption": f"caption {n}",
        "published_at": START + timedelta(minutes=n),
        "cover": make_asset("cover"),
        "music_title": "a song",
        "music_asset": make_asset("audio"),
        "view_count": n,
        "reading": make_reading(assets, texts, **(reading or {})) if texts else None,
        **({} if texts else {"video": make_asset("video"), "duration_ms": 12_000}),
    }
    post = TikTokPost.objects.create(**{**known, **fields})
    Slide.objects.bulk_create(
        Slide(post=post, position=place, asset=asset, width=1080, height=1440)
        for place, asset in enumerate(assets)
    )
    return post

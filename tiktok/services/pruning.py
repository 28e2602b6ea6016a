"""Which files have been kept for long enough."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from carousel.lib.work import Status
from media_cache.models import CacheAsset, Kind
from tiktok.models import Slide, TikTokPost, TikTokProfile


def prunable(
    older_than: timedelta, *, kinds: Collection[str] = (), keep_marked: bool = True
) -> QuerySet[CacheAsset]:
    """Assets whose copy was stored so long ago and that retention may let go of.

    Of any kind unless ``kinds`` are named; a profile's present avatar only if avatars are. Files
    of posts that a person marked (``keep_media``) stay, unless ``keep_marked`` is false, also
    where other posts show them too.
    """
    assets = CacheAsset.objects.filter(
        status=Status.COMPLETED, stored_at__lt=Now() - older_than
    ).exclude(storage_key="")
    if kinds:
        assets = assets.filter(kind__in=kinds)
    if Kind.AVATAR not in kinds:
        shown = TikTokProfile.objects.exclude(avatar=None)
        assets = assets.exclude(pk__in=shown.values("avatar_id"))
    if keep_marked:
        marked = TikTokPost.objects.filter(keep_media=True)
        assets = assets.exclude(pk__in=Slide.objects.filter(post__in=marked).values("asset_id"))
        for column in ("cover_id", "video_id", "music_asset_id"):
            used = marked.exclude(**{column: None})
            assets = assets.exclude(pk__in=used.values(column))
    return assets

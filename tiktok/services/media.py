"""The files of a post."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from carousel.lib.work import Priority
from media_cache.models import CacheAsset
from media_cache.services import MediaRequest, request_media
from tiktok.models import TikTokPost


def assets_of(post: TikTokPost) -> list[CacheAsset]:
    """Every file of the post: its slides in their order, then cover, video and sound."""
    others = [pk for pk in (post.cover_id, post.video_id, post.music_asset_id) if pk]
    slides = post.slides.order_by("position").values_list("asset_id", flat=True)
    order = list(dict.fromkeys([*slides, *others]))
    found = {asset.pk: asset for asset in CacheAsset.objects.filter(Q(pk__in=order))}
    return [found[pk] for pk in order]


def request_post_media(post: TikTokPost, *, refetch: bool = False) -> int:
    """Have the post's files fetched now, ahead of the schedule; stored ones too with ``refetch``.

    The links we have are tried first; dead ones bring about that the post is fetched again.
    Returns how many files are asked for.
    """
    requests = [
        MediaRequest(
            asset.kind,
            asset.source_key,
            tuple(asset.source_urls),
            asset.expires_at,
            asset.expected_size,
        )
        for asset in assets_of(post)
    ]
    with transaction.atomic():
        return len(request_media(requests, priority=Priority.PERSON, refetch=refetch))

"""News from below."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from media_cache.signals import links_died
from tiktok.services import refresh_links


@receiver(links_died, dispatch_uid="tiktok.refresh_links")
def fetch_fresh_links(sender: object, asset_ids: list[UUID], **_: Any) -> None:
    """Links were refused: have the posts they came from fetched again."""
    refresh_links(asset_ids)

"""News from below."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from media_cache.signals import assets_settled
from ocr.services import release


@receiver(assets_settled, dispatch_uid="ocr.release")
def release_readings(sender: object, asset_ids: list[UUID], **_: Any) -> None:
    """Pictures have come to rest: let the readings go ahead that waited for them."""
    release(asset_ids)

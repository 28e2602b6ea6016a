"""Doors for Celery: one line each."""

from __future__ import annotations

from celery import shared_task

from carousel.lib import drain
from media_cache.models import CacheAsset
from media_cache.services import FLOW


@shared_task
def store_media(ids: list[str]) -> None:
    drain.drain(FLOW, ids)


@shared_task
def sweep() -> None:
    """Wake workers for whatever is due, also if its message was lost."""
    drain.sweep(CacheAsset)

"""Doors for Celery: one line each."""

from __future__ import annotations

import logging

from celery import shared_task

from carousel.lib import drain
from carousel.lib.errors import NotNow
from media_cache.models import CacheAsset
from media_cache.services import (
    FLOW,
    are_unplaced,
    are_waiting,
    ask_for_forgotten,
    make_waiting,
    place_pictures,
    remove_released,
)

logger = logging.getLogger(__name__)


@shared_task
def store_media(ids: list[str]) -> None:
    """Store what is due; once nothing is, make fingerprints and see whose they resemble."""
    drain.drain(FLOW, ids)
    make_waiting()
    place_pictures()


@shared_task
def sweep() -> None:
    """Wake workers for what is due, also if its message was lost, and clear objects away."""
    if not drain.sweep(CacheAsset) and (are_waiting() or are_unplaced()):
        drain.send(CacheAsset, [])
    try:
        remove_released()
    except NotNow as exc:
        logger.warning("Objects that nobody points to stay for now: %s", exc)


@shared_task
def look_for_forgotten() -> None:
    """Have fingerprints made for pictures whose worker died between storing and describing them."""
    if ask_for_forgotten():
        drain.send(CacheAsset, [])

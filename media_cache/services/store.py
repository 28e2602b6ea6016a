"""Keep a copy of one file: download, look at its bytes, convert, store, write it down."""

from __future__ import annotations

from carousel.lib.drain import Flow
from media_cache.models import CacheAsset


def store(assets: list[CacheAsset]) -> None:
    raise NotImplementedError


FLOW = Flow(CacheAsset, store)

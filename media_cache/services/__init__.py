"""Ask for a file to be kept, keep it, hand out links to it."""

from __future__ import annotations

from media_cache.services.families import are_unplaced, place_pictures
from media_cache.services.fingerprints import are_waiting, ask_for_forgotten, make_waiting
from media_cache.services.links import AssetLink, urls_for
from media_cache.services.objects import remove_released
from media_cache.services.request import MediaRequest, request_media, source_gone
from media_cache.services.retention import PRUNED, Freed, delete_unreferenced, freed_by, prune
from media_cache.services.similar import Match, State, similar_to
from media_cache.services.store import FLOW, store

__all__ = [
    "FLOW",
    "PRUNED",
    "AssetLink",
    "Freed",
    "Match",
    "MediaRequest",
    "State",
    "are_unplaced",
    "are_waiting",
    "ask_for_forgotten",
    "delete_unreferenced",
    "freed_by",
    "make_waiting",
    "place_pictures",
    "prune",
    "remove_released",
    "request_media",
    "similar_to",
    "source_gone",
    "store",
    "urls_for",
]

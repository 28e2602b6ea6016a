"""Fingerprints of stored pictures: made while a picture is stored, or in a quiet moment.

To decode a WebP picture costs many times what all else does that is done to store it, and nobody
waits for its fingerprint. So it is made later, when no file waits to be stored.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from carousel.lib import arrays
from carousel.lib.errors import NotNow
from carousel.lib.stopping import stopping
from carousel.lib.work import Status
from media_cache.convert import MediaRejected
from media_cache.fingerprint import SIDE, hashes_of, pack, square_of
from media_cache.models import CacheAsset, Fingerprint
from media_cache.services.decoding import decoders
from media_cache.storage import media_storage, scratch_folder

BATCH = 20
TRIES = 3
LEASE = "300 seconds"
COSTLY = ("image/webp",)  # to decode, where it needn't be decoded to be stored

# Those that were deleted meanwhile are left out, and can't be until this is written.
RECORD = """
INSERT INTO media_cache_fingerprint (asset_id, made_at, square, hashes, bands)
SELECT asset.id, CASE WHEN fresh.made THEN statement_timestamp() END, decode(fresh.square, 'hex'),
       fresh.hashes::bigint[], fresh.bands::int[]
FROM unnest(%(ids)s::uuid[], %(made)s::bool[], %(squares)s::text[], %(hashes)s::text[],
            %(bands)s::text[]) AS fresh (id, made, square, hashes, bands)
JOIN media_cache_cacheasset AS asset ON asset.id = fresh.id
ORDER BY asset.id FOR KEY SHARE OF asset
ON CONFLICT (asset_id) DO UPDATE SET
    made_at = excluded.made_at, square = excluded.square, hashes = excluded.hashes,
    bands = excluded.bands, tries = 0, due_at = excluded.due_at, family = NULL
"""
CLAIM = f"""
UPDATE media_cache_fingerprint SET
    tries = tries + 1, due_at = statement_timestamp() + interval '{LEASE}'
WHERE asset_id IN (
    SELECT asset_id FROM media_cache_fingerprint
    WHERE made_at IS NULL AND due_at <= statement_timestamp() AND tries < {TRIES}
    ORDER BY due_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
) RETURNING asset_id
"""
FORGOTTEN = """
INSERT INTO media_cache_fingerprint (asset_id, hashes, bands)
SELECT id, '{}', '{}' FROM media_cache_cacheasset AS asset
WHERE status = 'completed' AND storage_key <> '' AND content_type LIKE 'image/%'
  AND NOT EXISTS (SELECT FROM media_cache_fingerprint WHERE asset_id = asset.id)
FOR KEY SHARE
ON CONFLICT DO NOTHING
"""


def side_for(content_type: str) -> int:
    """How large a grey square to ask a decoder for while a picture is stored; 0 for none."""
    return 0 if content_type in COSTLY else SIDE


def record_fingerprints(assets: Sequence[CacheAsset]) -> None:
    """Write down the fingerprints of pictures that were just stored, or that they are wanted."""
    seen = [(asset.pk, asset.luma) for asset in assets if asset.luma is not None]
    if seen:
        _record(seen)


def _record(seen: Sequence[tuple[UUID, bytes]]) -> None:
    made = [(pk, luma, hashes_of(square_of(luma)) if luma else None) for pk, luma in seen]
    params: dict[str, Any] = {
        "ids": arrays.uuids([pk for pk, _, _ in made]),
        "made": arrays.plain([hashes is not None for _, _, hashes in made]),
        "squares": arrays.texts([pack(luma).hex() if luma else "" for _, luma, _ in made]),
        "hashes": arrays.texts(
            [arrays.plain(hashes.whole if hashes else ()) for *_, hashes in made]
        ),
        "bands": arrays.texts(
            [arrays.plain(hashes.bands if hashes else ()) for *_, hashes in made]
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD, params)


def ask_for_forgotten() -> int:
    """Have fingerprints made for pictures that have none and wait for none. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(FORGOTTEN)
        return int(cursor.rowcount)


def are_waiting() -> bool:
    """Whether fingerprints are due."""
    due = Fingerprint.objects.filter(made_at=None, due_at__lte=Now(), tries__lt=TRIES)
    return due.exists()


def make_waiting(*, seconds: float = 20.0) -> int:
    """Make fingerprints that wait, for so long at most, and only while no file is due.

    Returns how many were made. Safe to run in many processes.
    """
    ends, count = time.monotonic() + seconds, 0
    while time.monotonic() < ends and not stopping() and not are_files_due():
        with connection.cursor() as cursor:
            cursor.execute(CLAIM)
            ids = [pk for (pk,) in cursor.fetchall()]
        if not ids:
            break
        count += _make(ids)
    return count


def are_files_due() -> bool:
    """Whether a file waits to be stored, which goes before all that can wait."""
    return CacheAsset.objects.due().filter(status=Status.PENDING).exists()


def _make(ids: Sequence[UUID]) -> int:
    assets = CacheAsset.objects.filter(pk__in=ids, status=Status.COMPLETED).exclude(storage_key="")
    seen = []
    for asset in assets.only("storage_key", "content_type"):
        try:
            seen.append((asset.pk, _luma(asset)))
        except (MediaRejected, NotNow, FileNotFoundError):
            continue  # it is tried again after its lease, twice
    if seen:
        _record(seen)
    return len(seen)


def _luma(asset: CacheAsset) -> bytes:
    """The grey square of a stored picture. Raises MediaRejected, NotNow, FileNotFoundError."""
    path = scratch_folder() / secrets.token_hex(12)
    unused = path.with_suffix(".rewritten")
    try:
        with path.open("wb") as file:
            for chunk in media_storage().chunks(asset.storage_key):
                file.write(chunk)
        return decoders().process(path, unused, asset.content_type, thumbnail=SIDE).luma
    finally:
        path.unlink(missing_ok=True)
        unused.unlink(missing_ok=True)

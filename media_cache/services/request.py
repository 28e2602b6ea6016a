"""Ask for files to be kept: set-based, idempotent, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from carousel.lib import arrays
from carousel.lib.copying import copy_rows
from carousel.lib.drain import wake
from carousel.lib.ids import uuid7s
from carousel.lib.work import Priority, Status
from media_cache.models import CacheAsset
from media_cache.signals import assets_settled


class MediaRequest(NamedTuple):
    """A file to keep. ``source_urls`` are tried in order and used byte for byte."""

    kind: str
    source_key: str
    source_urls: tuple[str, ...]
    expires_at: datetime | None = None
    expected_size: int | None = None  # bytes


# What a fresh link may heal; a file that is broken in itself stays failed.
HEALED_BY_LINKS = (
    *("link_dead", "source_gone", "not_found", "timeout", "connection_failed", "truncated"),
    *("empty", "upstream_error", "rate_limited", "unexpected_status", "not_media", "host_down"),
)

KNOWN = """
SELECT source_key, id, status FROM media_cache_cacheasset
WHERE source_key = ANY(%(keys)s::text[])
"""

TABLE = "media_cache_cacheasset"
NOT_STORED: dict[str, str | int] = {
    **{"status": Status.PENDING.value, "attempts": 0, "error": "", "error_code": ""},
    **{"sha256": "", "storage_key": "", "content_type": "", "original_content_type": ""},
}

INSERT = f"""
INSERT INTO {TABLE} (id, kind, source_key, source_urls, expires_at, expected_size, priority,
                     {", ".join(NOT_STORED)})
SELECT id, kind, source_key, string_to_array(urls, E'\\n'), expires_at, size, %(priority)s,
       {", ".join(f"%({name})s" for name in NOT_STORED)}
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(keys)s::text[], %(urls)s::text[],
            %(expires)s::timestamptz[], %(sizes)s::bigint[])
     AS fresh (id, kind, source_key, urls, expires_at, size)
ORDER BY source_key
ON CONFLICT (source_key) DO UPDATE SET source_key = EXCLUDED.source_key
RETURNING source_key, id
"""

# The keys stand in the WHERE clause twice so that the index is used whatever the planner thinks of
# a join with an array.
FRESH_LINKS = """
WITH locked AS MATERIALIZED (
    SELECT id, status = 'blocked'
           OR status = 'failed' AND error_code = ANY(%(healed)s)
           OR status IN ('completed', 'failed') AND %(refetch)s AS healed
    FROM media_cache_cacheasset
    WHERE source_key = ANY(%(keys)s::text[]) AND (status <> 'completed' OR %(refetch)s)
    ORDER BY source_key FOR UPDATE
)
UPDATE media_cache_cacheasset AS asset SET
    source_urls = string_to_array(urls, E'\\n'),
    expires_at = fresh.expires_at,
    expected_size = coalesce(size, expected_size),
    priority = least(priority, %(priority)s),
    status = CASE WHEN healed THEN 'pending' ELSE status END,
    run_after = CASE WHEN healed THEN statement_timestamp() ELSE run_after END,
    attempts = CASE WHEN healed THEN 0 ELSE attempts END,
    error = CASE WHEN healed THEN '' ELSE error END,
    error_code = CASE WHEN healed THEN '' ELSE error_code END,
    completed_at = CASE WHEN healed THEN NULL ELSE completed_at END,
    host_down_since = CASE WHEN healed AND status <> 'blocked' THEN NULL ELSE host_down_since END
FROM unnest(%(keys)s::text[], %(urls)s::text[], %(expires)s::timestamptz[], %(sizes)s::bigint[])
     AS fresh (source_key, urls, expires_at, size), locked
WHERE asset.source_key = ANY(%(keys)s::text[])
  AND asset.source_key = fresh.source_key AND asset.id = locked.id
RETURNING asset.id, healed
"""


def request_media(
    requests: Sequence[MediaRequest],
    *,
    priority: Priority = Priority.SCHEDULE,
    refetch: bool = False,
) -> dict[str, UUID]:
    """Make sure that each file is kept; returns asset ids by source key.

    New ones become pending. Known ones that are not stored get the fresh links, and those that
    waited for a link, or failed for want of one, become pending again. Stored ones are left
    alone unless ``refetch``. Runs in the caller's transaction; workers are woken after commit.
    """
    wanted = {request.source_key: request for request in requests if request.source_urls}
    if not wanted:
        return {}
    known = _known(wanted)
    ids = {key: pk for key, (pk, _) in known.items()}
    ids |= _insert([request for key, request in wanted.items() if key not in known], priority)
    stale = [
        wanted[key] for key, (_, status) in known.items() if refetch or status != Status.COMPLETED
    ]
    _give_links(stale, priority, refetch=refetch)
    return ids


def _known(keys: Iterable[str]) -> dict[str, tuple[UUID, str]]:
    """Id and status of the files that are known, by source key."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"keys": arrays.texts(list(keys))})
        return {key: (pk, status) for key, pk, status in cursor.fetchall()}


def _insert(requests: Sequence[MediaRequest], priority: Priority) -> dict[str, UUID]:
    if not requests:
        return {}
    # Rows are written in one order everywhere: two pages with the same sound must not deadlock.
    requests = sorted(requests, key=attrgetter("source_key"))
    ids = uuid7s(len(requests))
    keys = [request.source_key for request in requests]
    columns: dict[str, Sequence[object]] = {
        "id": ids,
        "kind": [request.kind for request in requests],
        "source_key": keys,
        "source_urls": arrays.lists([request.source_urls for request in requests]),
        "expires_at": [request.expires_at for request in requests],
        "expected_size": [request.expected_size for request in requests],
    }
    try:
        with transaction.atomic():
            copy_rows(TABLE, columns, {"priority": int(priority), **NOT_STORED})
        found = dict(zip(keys, ids, strict=True))
    except IntegrityError:
        found = _insert_missing(requests, priority)
    wake(CacheAsset, found.values())
    return found


def _insert_missing(requests: Sequence[MediaRequest], priority: Priority) -> dict[str, UUID]:
    """For when somebody else has just asked for one of them: the ids, whoever's rows they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                **_columns(requests),
                **NOT_STORED,
                "ids": arrays.uuids(uuid7s(len(requests))),
                "kinds": arrays.texts([request.kind for request in requests]),
                "priority": priority,
            },
        )
        return dict(cursor.fetchall())


def _give_links(requests: Sequence[MediaRequest], priority: Priority, *, refetch: bool) -> None:
    if not requests:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            FRESH_LINKS,
            {
                **_columns(requests),
                "priority": priority,
                "healed": list(HEALED_BY_LINKS),
                "refetch": refetch,
            },
        )
        wake(CacheAsset, [pk for pk, healed in cursor.fetchall() if healed])


def _columns(requests: Sequence[MediaRequest]) -> dict[str, str]:
    return {
        "keys": arrays.texts([request.source_key for request in requests]),
        "urls": arrays.texts(["\n".join(request.source_urls) for request in requests]),
        "expires": arrays.plain([request.expires_at for request in requests]),
        "sizes": arrays.plain([request.expected_size for request in requests]),
    }


def source_gone(asset_ids: Sequence[UUID], reason: str, *, code: str = "source_gone") -> int:
    """End assets that wait for a fresh link which will never come. Returns how many."""
    waiting = CacheAsset.objects.filter(pk__in=asset_ids, status=Status.BLOCKED)
    ended = waiting.update(status=Status.FAILED, completed_at=Now(), error=reason, error_code=code)
    if ended:
        assets_settled.send(CacheAsset, asset_ids=list(asset_ids))
    return ended

"""Objects and the rows that point to them: the same bytes are one object.

The rule: whoever stores bytes holds a lock on their address, shared with others who store the
same, from before the upload until its row points to the object. Whoever removes an object holds
that lock alone while it looks for rows that point there and deletes. So an object goes with its
last row, and never while somebody is about to point to it.

The locks are PostgreSQL's advisory ones, of the session: no transaction is open across a call to
the storage, and a lock ends with its process. They need a connection that stays the same between
statements (through PgBouncer: session pooling).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q
from django.db.models.functions import Now

from carousel.lib.database import one_connection
from carousel.lib.errors import NotNow
from media_cache.models import CacheAsset, ReleasedObject
from media_cache.storage import media_storage

BATCH = 500  # objects
ADDRESS = re.compile(r"[0-9a-f]{64}")
REMOVAL_WAIT = 2.0  # seconds

# Each lock is taken once per row of the list; the function is not evaluated for any other.
LOCK = """
SELECT number FROM unnest(%(locks)s::bigint[]) WITH ORDINALITY AS wanted (lock, number)
WHERE pg_try_advisory_lock(lock)
"""
UNLOCK = "SELECT pg_advisory_unlock(lock) FROM unnest(%(locks)s::bigint[]) AS held (lock)"
# A row written again since it was read belongs to somebody who released the object anew.
FORGET = """
DELETE FROM media_cache_releasedobject AS released
USING unnest(%(keys)s::text[], %(times)s::timestamptz[]) AS done (storage_key, released_at)
WHERE released.storage_key = done.storage_key AND released.released_at = done.released_at
"""


@contextlib.contextmanager
def storing(storage_key: str) -> Iterator[None]:
    """Keep the object from being removed until the row that points to it is written.

    Raises NotNow while it is being removed.
    """
    lock = _lock_of(storage_key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock_shared(%s)", [lock])
        if not cursor.fetchall()[0][0]:
            raise NotNow("An object with these bytes is just being removed.", wait=REMOVAL_WAIT)
    try:
        with one_connection():
            yield
    finally:
        # If the connection has broken, so has the lock; and nobody could write the row.
        with contextlib.suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [lock])


def release(storage_keys: Iterable[str]) -> None:
    """Have these objects removed if no row points to them; for those that none ever has."""
    rows = [ReleasedObject(storage_key=key, released_at=Now()) for key in sorted(storage_keys)]
    ReleasedObject.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["storage_key"],
        update_fields=["released_at"],
    )


def remove_released(*, seconds: float = 10.0) -> int:
    """Remove objects that nobody points to any more, oldest first, for so long at most.

    Returns how many were removed. Those that somebody is just storing wait for the next time.
    Safe to run in several processes. Raises NotNow if the storage can't delete now.
    """
    ends, removed, passed_over = time.monotonic() + seconds, 0, 0
    waiting = ReleasedObject.objects.order_by("released_at", "storage_key")
    while time.monotonic() < ends:
        rows = waiting.values_list("storage_key", "released_at")
        batch = list(rows[passed_over : passed_over + BATCH])
        if not batch:
            break
        gone, kept = _remove(batch)
        removed += gone
        passed_over += kept
    return removed


def _remove(batch: Sequence[tuple[str, datetime]]) -> tuple[int, int]:
    """How many objects were removed, and how many were left alone for others to store."""
    locks = [_lock_of(key) for key, _ in batch]
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"locks": locks})
        held = [number - 1 for (number,) in cursor.fetchall()]
        try:
            mine = [batch[index] for index in held]
            free = sorted({key for key, _ in mine} - pointed_to([key for key, _ in mine]))
            media_storage().remove(free)
            keys, times = [key for key, _ in mine], [moment for _, moment in mine]
            cursor.execute(FORGET, {"keys": keys, "times": times})
        finally:
            cursor.execute(UNLOCK, {"locks": [locks[index] for index in held]})
    return len(free), len(batch) - len(held)


def pointed_to(storage_keys: Sequence[str]) -> set[str]:
    """Those of the keys that a row points to."""
    hashes = {key: key.rpartition("/")[2].partition(".")[0] for key in storage_keys}
    addresses = [key for key, digest in hashes.items() if ADDRESS.fullmatch(digest)]
    found = Q(sha256__in=[hashes[key] for key in addresses], storage_key__in=addresses)
    if others := [key for key in storage_keys if key not in set(addresses)]:
        found |= Q(storage_key__in=others)  # no index helps; such names aren't ours
    return set(CacheAsset.objects.filter(found).values_list("storage_key", flat=True))


def _lock_of(storage_key: str) -> int:
    """A number of 64 bits that stands for the address."""
    return int.from_bytes(hashlib.sha256(storage_key.encode()).digest()[:8], signed=True)

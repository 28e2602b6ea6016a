"""Families: stored pictures that look the same, put together as their fingerprints are made.

A picture joins the family whose founder it is laid over and fits, else it founds one; so all
members resemble the founder, and there are no chains. One worker at a time places pictures: two at
once could found two families for the same one.

A family is pictures that look the same at the size of a fingerprint. One that differs in a small
word is in it, too; who needs to know better has to ask what they say.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from carousel.lib.stopping import stopping
from media_cache.fingerprint import SAME, Square, likeness, probes_of, unpack
from media_cache.models import Fingerprint
from media_cache.services.fingerprints import are_files_due
from media_cache.services.similar import nearest

BATCH = 20  # pictures per transaction
TRIED = 4  # families that a picture is laid over, the nearest by their bits

# Of this transaction; another worker that finds it taken has nothing to do.
LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('media_cache families'))"
UNPLACED = f"""
SELECT asset_id, square FROM media_cache_fingerprint
WHERE family IS NULL AND made_at IS NOT NULL ORDER BY made_at, asset_id LIMIT {BATCH}
"""
SAME_BYTES = """
SELECT kin.family FROM media_cache_cacheasset AS own
JOIN media_cache_cacheasset AS other ON other.sha256 = own.sha256 AND other.sha256 <> ''
JOIN media_cache_fingerprint AS kin ON kin.asset_id = other.id
WHERE own.id = %s AND kin.family IS NOT NULL LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Founder:
    """The family's first picture; where that is gone, a member."""

    family: UUID
    square: Square


def are_unplaced() -> bool:
    """Whether there are fingerprints without a family."""
    return Fingerprint.objects.filter(family=None, made_at__isnull=False).exists()


def place_pictures(*, seconds: float = 20.0) -> int:
    """Give families to pictures that have a fingerprint and none yet, for so long at most, and only
    while no file is due.

    Returns how many got one. Safe to run in many processes; all but one return at once.
    """
    ends, count = time.monotonic() + seconds, 0
    while time.monotonic() < ends and not stopping() and not are_files_due():
        placed = _place_some()
        count += placed
        if placed < BATCH:
            break
    return count


@transaction.atomic
def _place_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        if not cursor.fetchall()[0][0]:
            return 0
        cursor.execute(UNPLACED)
        rows = cursor.fetchall()
    for pk, packed in rows:
        family = _same_bytes(pk) or _resembled(pk, bytes(packed)) or pk
        # It may have been made afresh meanwhile: then it is placed again.
        Fingerprint.objects.filter(pk=pk, square=packed).update(family=family)
    return len(rows)


def _same_bytes(pk: UUID) -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute(SAME_BYTES, [pk])
        row: tuple[UUID] | None = cursor.fetchone()
    return row[0] if row else None


def _resembled(pk: UUID, packed: bytes) -> UUID | None:
    """The nearest family whose founder this picture is a copy of, or the other way round."""
    if not packed:
        return None
    square = unpack(packed)
    probes = probes_of(square)
    if not probes.bands:
        return None
    near = nearest(pk, probes.whole, probes.bands)
    for founder in _founders([found_pk for found_pk, _, _ in near]):
        if likeness(square, founder.square) >= SAME:
            return founder.family
    return None


def _founders(near: Sequence[UUID]) -> list[_Founder]:
    """The founders of the families of these pictures, in their order; ``TRIED`` at most."""
    rows = Fingerprint.objects.filter(pk__in=near).values_list("pk", "family")
    family_of = {pk: family for pk, family in rows if family is not None}
    members = {family_of[pk]: pk for pk in reversed(near) if pk in family_of}
    chosen = list(dict.fromkeys(family_of[pk] for pk in near if pk in family_of))[:TRIED]
    wanted = {*chosen, *(members[family] for family in chosen)}
    squares = dict(Fingerprint.objects.filter(pk__in=wanted).values_list("pk", "square"))
    found = []
    for family in chosen:
        packed = squares.get(family) or squares.get(members[family])
        if packed:
            found.append(_Founder(family, unpack(bytes(packed))))
    return found

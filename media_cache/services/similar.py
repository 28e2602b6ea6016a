"""Pictures that look the same to the eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

from media_cache.fingerprint import SAME, likeness, probes_of, unpack
from media_cache.fingerprint.hashes import KEPT_FRAMES
from media_cache.models import Fingerprint

COMPARED = 64  # pictures that are laid over the one asked for; the nearest by their bits
FARTHEST = 24  # of 63 bits, beyond which nothing is compared

# The index on bands gives the candidates, the bits of their hashes an order. Only of those that
# are compared is the square read, which is kept apart from the row.
NEAREST = """
WITH nearest AS MATERIALIZED (
    SELECT asset_id, LEAST({distances}) AS distance
    FROM media_cache_fingerprint
    WHERE bands && %(bands)s::int[] AND asset_id <> %(asset)s
    ORDER BY distance, asset_id LIMIT {most}
)
SELECT asset_id, distance, square FROM nearest JOIN media_cache_fingerprint USING (asset_id)
WHERE distance <= {farthest} ORDER BY distance, asset_id
"""


# The planner takes hundreds of rare bands for half of all pictures and would read every one: of
# 30,000 that took 480 ms, through the index it takes 3.
BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true)"


class State(StrEnum):
    """How far an asset's fingerprint is."""

    MADE = "made"
    WAITING = "waiting"
    FLAT = "flat"  # all of one shade: nothing to find it by
    NONE = "none"  # no stored picture


@dataclass(frozen=True, slots=True)
class Match:
    """``distance``: bits of 63 that differ; ``likeness``: of the least alike part, at most 1."""

    asset_id: UUID
    distance: int
    likeness: float


def similar_to(asset_id: UUID, *, limit: int = 50) -> tuple[State, list[Match]]:
    """Stored pictures that are this one re-encoded, resized, brightened or lightly cropped, or of
    which it is such a copy; the most alike first. Two looks, whatever is stored."""
    own = Fingerprint.objects.filter(pk=asset_id).values_list("made_at", "square").first()
    if own is None:
        return State.NONE, []
    if own[0] is None:
        return State.WAITING, []
    square = unpack(bytes(own[1]))
    probes = probes_of(square)
    if not probes.bands:
        return State.FLAT, []
    found = []
    for pk, distance, packed in nearest(asset_id, probes.whole, probes.bands):
        alike = likeness(square, unpack(bytes(packed)))
        if alike >= SAME:
            found.append(Match(pk, distance, round(alike, 3)))
    found.sort(key=lambda match: (-match.likeness, match.distance, match.asset_id))
    return State.MADE, found[:limit]


def nearest(
    asset_id: UUID, hashes: Sequence[int], bands: Sequence[int]
) -> list[tuple[UUID, int, memoryview]]:
    """The pictures with the fewest other bits: each with how many, and its packed square."""
    pairs = (
        f"bit_count((hashes[{kept}] # {tried}::bigint)::bit(64))"
        for kept in range(1, len(KEPT_FRAMES) + 1)
        for tried in hashes
    )
    sql = NEAREST.format(distances=", ".join(pairs), most=COMPARED, farthest=FARTHEST)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BY_INDEX)
        cursor.execute(sql, {"bands": list(bands), "asset": asset_id})
        return list(cursor.fetchall())

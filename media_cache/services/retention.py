"""Letting go: of assets that nothing shows any more, and of copies that have had their time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from carousel.lib.work import Status
from media_cache.models import CacheAsset

BATCH = 1000  # rows
PRUNED = "pruned"  # the code of rows that are complete and have let go of their copy


def delete_unreferenced(asset_ids: Sequence[UUID]) -> int:
    """Delete those of the assets that nothing points to, in the caller's transaction.

    Whatever app it is in: every foreign key to assets is looked at. Their objects go once no
    other asset points to those. Returns how many were deleted. A reference that another
    transaction writes meanwhile makes one of the two fail with IntegrityError at its commit.
    """
    deleted = 0
    for ids in _batches(sorted(asset_ids)):
        with transaction.atomic():
            # Locked first and looked at afterwards, so that the look sees what was waited for.
            locked = CacheAsset.objects.filter(pk__in=ids).order_by("source_key")
            list(locked.select_for_update().values_list("pk"))
            deleted += _delete(CacheAsset.objects.filter(pk__in=ids))
    return deleted


def _delete(assets: QuerySet[CacheAsset]) -> int:
    for relation in _relations():
        if relation.on_delete is not models.CASCADE:
            assets = assets.exclude(Exists(_pointing(relation)))
    ids = list(assets.values_list("pk", flat=True))
    CacheAsset.objects.filter(pk__in=ids).delete()
    return len(ids)


def _relations() -> Iterator[models.ManyToOneRel]:
    """Every foreign key to an asset. What cascades belongs to the asset and keeps nothing."""
    # Hidden ones too: most owners want no way back from an asset (related_name="+").
    for relation in CacheAsset._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel):
            yield relation


def _pointing(relation: models.ManyToOneRel) -> QuerySet[models.Model]:
    """Rows that point to the asset of the query around this one."""
    rows: QuerySet[models.Model] = relation.related_model._base_manager.all()
    return rows.filter(**{relation.field.name: OuterRef("pk")})


@dataclass(frozen=True, slots=True)
class Freed:
    """What letting go of some copies frees: objects that nothing else points to, and bytes."""

    assets: int
    objects: int
    bytes: int


FREED = """
WITH chosen AS MATERIALIZED ({chosen})
SELECT coalesce(sum(mine), 0), count(*) FILTER (WHERE mine = rows),
       coalesce(sum(size) FILTER (WHERE mine = rows), 0)
FROM (
    SELECT count(*) AS rows, count(chosen.id) AS mine, max(byte_size) AS size
    FROM media_cache_cacheasset AS asset LEFT JOIN chosen ON chosen.id = asset.id
    WHERE storage_key <> '' GROUP BY storage_key
) AS object WHERE mine > 0
"""


def freed_by(chosen: QuerySet[CacheAsset]) -> Freed:
    """What it would free to let go of the copies of these assets."""
    sql, params = chosen.order_by().values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(FREED.format(chosen=sql), params)
        assets, objects, size = cursor.fetchall()[0]
    return Freed(int(assets), objects, int(size))


def prune(chosen: QuerySet[CacheAsset]) -> Iterator[int]:
    """Let go of the copies of these assets, for good; tells after each batch how many had one.

    They stay complete, with code ``pruned``, size, hash and everything else that is known of them,
    so nothing fetches them again unless somebody asks for that (``refetch``). What is no longer
    among the chosen when its turn comes is left alone.
    """
    today = datetime.now(UTC).date().isoformat()
    stored = chosen.filter(status=Status.COMPLETED).exclude(storage_key="")
    ids = stored.order_by().values_list("pk", flat=True).iterator(chunk_size=BATCH)
    while batch := list(islice(ids, BATCH)):
        yield stored.filter(pk__in=batch).update(
            storage_key="",
            expires_at=Now(),  # whoever wants it again starts with fresh links
            error_code=PRUNED,
            error=f"Its copy was deleted on {today}, as it had been kept for long enough.",
        )


def _batches(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]

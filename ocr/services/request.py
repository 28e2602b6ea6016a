"""Ask for lists of pictures to be read: set-based, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models.functions import Least, Now

from carousel.lib import arrays, faults
from carousel.lib.copying import copy_rows
from carousel.lib.drain import wake
from carousel.lib.ids import uuid7s
from carousel.lib.work import Priority, Status
from ocr.models import Reading, SlideReading, Source


@dataclass(frozen=True, slots=True)
class ReadingRequest:
    """Pictures in their order, and the caption that the reader is given as context."""

    asset_ids: tuple[UUID, ...]
    context: str = ""
    language: str = ""


# A reading waits until none of its pictures is on its way any more; those that failed for good
# are left out.
INSERT = """
INSERT INTO ocr_reading
    (id, status, priority, attempts, error, error_code, context, language, engine, model,
     model_version, prompt_version, category_source, read_all)
SELECT id, CASE WHEN EXISTS (
           SELECT FROM media_cache_cacheasset AS asset
           WHERE asset.id = ANY(assets::uuid[]) AND status IN ('blocked', 'pending', 'running')
       ) THEN 'blocked' ELSE 'pending' END,
       %(priority)s, 0, '', '', context, language, '', '', '', '', '', false
FROM unnest(%(ids)s::uuid[], %(contexts)s::text[], %(languages)s::text[], %(assets)s::text[])
     AS wanted (id, context, language, assets)
RETURNING id, status
"""
SLIDES = "ocr_slidereading"
UNREAD = dict.fromkeys(
    (
        *("search_text", "description", "slide_type", "language", "source"),
        *("error", "error_code"),
    ),
    "",
)
# A finished reading is opened again when a picture that it lacked has arrived: once, because that
# the slide lacks it is forgotten with the same statement.
RELEASE = """
WITH released AS (
    UPDATE ocr_reading AS reading SET
        status = 'pending', run_after = statement_timestamp(), attempts = 0, error = '',
        error_code = '', completed_at = NULL
    WHERE ({which}) AND (reading.status <> 'blocked' OR reading.batch_id IS NULL) AND NOT EXISTS (
        SELECT FROM ocr_slidereading AS slide
        JOIN media_cache_cacheasset AS asset ON asset.id = slide.asset_id
        WHERE slide.reading_id = reading.id AND asset.status IN ('blocked', 'pending', 'running')
    )
    RETURNING reading.id
), arrived AS (
    UPDATE ocr_slidereading AS lacking SET error = '', error_code = ''
    FROM released, media_cache_cacheasset AS asset
    WHERE lacking.reading_id = released.id AND lacking.error_code = 'not_stored'
      AND asset.id = lacking.asset_id AND asset.status = 'completed' AND asset.storage_key <> ''
)
SELECT id FROM released
"""
BLOCKED = "reading.status = 'blocked'"
# Without OFFSET, which keeps it a look-up per slide, the planner would join all pictures.
LACKING = """
reading.status IN ('completed', 'failed') AND reading.id = ANY(ARRAY(
    SELECT lacking.reading_id FROM ocr_slidereading AS lacking
    WHERE lacking.error_code = 'not_stored' AND EXISTS (
        SELECT FROM media_cache_cacheasset AS arrived
        WHERE arrived.id = lacking.asset_id AND arrived.status = 'completed'
          AND arrived.storage_key <> '' OFFSET 0
    )
))
"""
THOSE_READINGS = "reading.status = 'blocked' AND reading.id = ANY(%(readings)s)"
OF_ASSETS = """
reading.id IN (SELECT reading_id FROM ocr_slidereading WHERE asset_id = ANY(%(assets)s))
AND (reading.status = 'blocked' OR reading.status IN ('completed', 'failed') AND EXISTS (
    SELECT FROM ocr_slidereading AS lacking
    JOIN media_cache_cacheasset AS arrived ON arrived.id = lacking.asset_id
    WHERE lacking.reading_id = reading.id AND lacking.error_code = 'not_stored'
      AND arrived.status = 'completed' AND arrived.storage_key <> ''
))
"""


def request_readings(
    requests: Sequence[ReadingRequest], *, priority: Priority = Priority.SCHEDULE
) -> list[UUID]:
    """Create one reading per request; returns their ids in order.

    A reading stays blocked until its pictures are settled; workers are then woken.
    """
    if not requests:
        return []
    ids = uuid7s(len(requests))
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                "ids": arrays.uuids(ids),
                "priority": priority,
                "contexts": arrays.texts([request.context for request in requests]),
                "languages": arrays.texts([request.language for request in requests]),
                "assets": arrays.texts([arrays.uuids(request.asset_ids) for request in requests]),
            },
        )
        _released([pk for pk, status in cursor.fetchall() if status == Status.PENDING])
    slides = [
        (pk, position, asset)
        for pk, request in zip(ids, requests, strict=True)
        for position, asset in enumerate(request.asset_ids)
    ]
    if slides:
        columns = zip(
            ("reading_id", "position", "asset_id"), zip(*slides, strict=True), strict=True
        )
        copy_rows(SLIDES, dict(columns), UNREAD)
    return ids


def request_reading(
    asset_ids: Sequence[UUID],
    *,
    context: str = "",
    language: str = "",
    priority: Priority = Priority.SCHEDULE,
) -> Reading:
    """One reading of these pictures, in this order."""
    request = ReadingRequest(tuple(asset_ids), context, language)
    return Reading.objects.get(pk=request_readings([request], priority=priority)[0])


def release(asset_ids: Sequence[UUID] | None = None) -> int:
    """Let readings go ahead whose pictures are settled, and those that have ended without one that
    has arrived since; all of them, or those with these pictures.

    Returns how many became pending.
    """
    if asset_ids is None:
        return _release(BLOCKED, {}) + _release(LACKING, {})
    return _release(OF_ASSETS, {"assets": list(asset_ids)}) if asset_ids else 0


def _release(which: str, params: dict[str, list[UUID]]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(RELEASE.format(which=which), params)
        return _released([pk for (pk,) in cursor.fetchall()])


def _released(ids: list[UUID]) -> int:
    if ids:
        transaction.on_commit(lambda: faults.point("reading.released"))
    wake(Reading, ids)
    return len(ids)


def read_again(
    reading_ids: Sequence[UUID],
    *,
    force: bool = False,
    outdated: bool = False,
    below_confidence: float | None = None,
    priority: Priority = Priority.PERSON,
) -> int:
    """Read what has not been read yet; with ``force`` also all that a machine has read before,
    with ``outdated`` only what another engine, model or version of the prompt has read, with
    ``below_confidence`` (0 to 1) that and slides that a machine was less sure of.

    Open readings only move forward in the queue. What a person wrote stays. Returns how many
    were finished and start over.
    """
    chosen = Reading.objects.filter(pk__in=reading_ids)
    doubtful = SlideReading.objects.filter(reading__in=chosen.exclude(status=Status.RUNNING))
    if not force:
        sure = -1.0 if below_confidence is None else below_confidence
        doubtful = doubtful.filter(confidence__lt=sure)
    # Nobody vouches for these texts any more, so nothing is copied for them either.
    if force or below_confidence is not None:
        doubtful.exclude(source=Source.HUMAN).update(reader=None)
    force = force or outdated or below_confidence is not None
    chosen.filter(status__in=(Status.BLOCKED, Status.PENDING)).update(
        priority=Least("priority", models.Value(priority)),
        read_all=models.F("read_all") if not force else True,
    )
    chosen.filter(status=Status.PENDING).update(run_after=Now())
    ended = chosen.filter(status__in=(Status.COMPLETED, Status.FAILED))
    unread = SlideReading.objects.filter(reading=models.OuterRef("pk"), text=None)
    if not force:
        ended = ended.filter(models.Q(status=Status.FAILED) | models.Exists(unread))
    started = ended.update(
        status=Status.BLOCKED,
        priority=priority,
        batch=None,
        direct=False,
        read_all=force,
        attempts=0,
        error="",
        error_code="",
        completed_at=None,
    )
    _release(THOSE_READINGS, {"readings": list(reading_ids)})
    wake(Reading, reading_ids)
    return started

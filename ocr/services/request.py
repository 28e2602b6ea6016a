"""Ask for lists of pictures to be read: set-based, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
# are left out. It names its pictures itself until then: a row for each of them would cost whoever
# stores a page of posts more than the posts.
ON_ITS_WAY = "status IN ('blocked', 'pending', 'running')"
LAST_OF = f"""
SELECT asset.id FROM media_cache_cacheasset AS asset
WHERE asset.id = ANY({{pictures}}) AND {ON_ITS_WAY} ORDER BY asset.id DESC LIMIT 1
"""
INSERT = f"""
INSERT INTO ocr_reading
    (id, status, priority, attempts, error, error_code, context, language, engine, model,
     model_version, prompt_version, category_source, read_all, awaited, watched)
SELECT wanted.id, CASE WHEN last.id IS NULL THEN 'pending' ELSE 'blocked' END,
       %(priority)s, 0, '', '', context, language, '', '', '', '', '', false,
       CASE WHEN last.id IS NOT NULL THEN pictures::uuid[] END, last.id
FROM unnest(%(ids)s::uuid[], %(contexts)s::text[], %(languages)s::text[], %(pictures)s::text[])
     AS wanted (id, context, language, pictures)
LEFT JOIN LATERAL ({LAST_OF.format(pictures="pictures::uuid[]")}) AS last ON true
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
NAME = f"""
INSERT INTO {SLIDES} (reading_id, position, asset_id, {", ".join(UNREAD)})
SELECT due.id, picture.position - 1, asset.id, {", ".join("''" for _ in UNREAD)}
FROM due CROSS JOIN unnest(due.awaited) WITH ORDINALITY AS picture (id, position)
JOIN media_cache_cacheasset AS asset ON asset.id = picture.id
ORDER BY due.id, picture.position
"""
RELEASE = f"""
WITH due AS MATERIALIZED (
    SELECT id, awaited FROM ocr_reading AS reading
    WHERE ({{which}}) AND (reading.status <> 'blocked' OR reading.batch_id IS NULL)
      AND NOT EXISTS ({LAST_OF.format(pictures="reading.awaited")}) AND NOT EXISTS (
        SELECT FROM ocr_slidereading AS slide
        JOIN media_cache_cacheasset AS asset ON asset.id = slide.asset_id
        WHERE slide.reading_id = reading.id AND asset.{ON_ITS_WAY}
    )
    FOR NO KEY UPDATE
), released AS (
    UPDATE ocr_reading AS reading SET
        status = 'pending', run_after = statement_timestamp(), attempts = 0, error = '',
        error_code = '', completed_at = NULL, awaited = NULL, watched = NULL
    FROM due WHERE reading.id = due.id
    RETURNING reading.id
), named AS ({NAME}), arrived AS (
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
reading.id = ANY(ARRAY(
    SELECT reading_id FROM ocr_slidereading WHERE asset_id = ANY(%(assets)s)
    UNION ALL SELECT id FROM ocr_reading WHERE watched = ANY(%(assets)s)
))
AND (reading.status = 'blocked' OR reading.status IN ('completed', 'failed') AND EXISTS (
    SELECT FROM ocr_slidereading AS lacking
    JOIN media_cache_cacheasset AS arrived ON arrived.id = lacking.asset_id
    WHERE lacking.reading_id = reading.id AND lacking.error_code = 'not_stored'
      AND arrived.status = 'completed' AND arrived.storage_key <> ''
))
"""
# The others that they wait for are on their way still, and one of them is the last.
WATCH_ANOTHER = f"""
UPDATE ocr_reading AS reading SET watched = another.id
FROM ocr_reading AS held
CROSS JOIN LATERAL ({LAST_OF.format(pictures="held.awaited")}) AS another
WHERE held.watched = ANY(%(assets)s) AND reading.id = held.id
  AND reading.watched = held.watched AND another.id <> held.watched
RETURNING another.id
"""
NAME_AT_ONCE = f"""
WITH due AS MATERIALIZED (
    SELECT id, awaited FROM ocr_reading
    WHERE id = ANY(%(readings)s) AND awaited IS NOT NULL FOR NO KEY UPDATE
), named AS ({NAME})
UPDATE ocr_reading AS reading SET awaited = NULL, watched = NULL FROM due WHERE reading.id = due.id
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
                "pictures": arrays.texts([arrays.uuids(request.asset_ids) for request in requests]),
            },
        )
        ready = {pk for pk, status in cursor.fetchall() if status == Status.PENDING}
    _write_slides([(pk, r.asset_ids) for pk, r in zip(ids, requests, strict=True) if pk in ready])
    _released(list(ready))
    return ids


def _write_slides(readings: Sequence[tuple[UUID, Sequence[UUID]]]) -> None:
    """Add a slide for each picture of these readings."""
    slides = [
        (pk, position, asset) for pk, assets in readings for position, asset in enumerate(assets)
    ]
    if slides:
        names = ("reading_id", "position", "asset_id")
        copy_rows(SLIDES, dict(zip(names, zip(*slides, strict=True), strict=True)), UNREAD)


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
    released, settled = 0, list(asset_ids)
    while settled:
        # Another one is listened for before it is looked whether all have come to rest. What comes
        # to rest between the two is seen in the next round.
        another = _watch_another(settled)
        released += _release(OF_ASSETS, {"assets": settled})
        settled = another
    return released


def name_slides(readings: Iterable[Reading]) -> None:
    """Give readings a slide for each picture though these may be on their way still.

    For whoever needs them before that: a person with a correction, or a retry.
    """
    if waiting := [reading.pk for reading in readings if reading.awaited]:
        with connection.cursor() as cursor:
            cursor.execute(NAME_AT_ONCE, {"readings": waiting})


def _watch_another(asset_ids: list[UUID]) -> list[UUID]:
    """Have readings that watched these watch others that they wait for. Returns these."""
    with connection.cursor() as cursor:
        cursor.execute(WATCH_ANOTHER, {"assets": asset_ids})
        return [pk for (pk,) in cursor.fetchall()]


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

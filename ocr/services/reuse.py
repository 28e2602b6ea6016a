"""The same bytes are never read twice by one reader, whoever posted them.

Before anybody is asked, each picture is looked up by the hash of its bytes. What the same reader
said of them before is copied; what it is being asked in another process just now is waited for.
A picture is asked for again only where a person wants it read afresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from ocr.engine import SlideResult
from ocr.models import PictureClaim, Reader, Reading, SlideReading
from ocr.services.hand import Earlier, Hand

# The same place in a post is preferred (a hook stays a hook), then the original to a copy of it.
EARLIER = """
SELECT wanted.slide, found.origin, found.reading_id,
       reading.category_source <> '' OR reading.proposed_category_id IS NOT NULL,
       reading.model_version, found.text, found.description, found.slide_type, found.language,
       found.confidence
FROM unnest(%(slides)s::bigint[], %(digests)s::text[], %(positions)s::int[])
     AS wanted (slide, sha256, position)
CROSS JOIN LATERAL (
    SELECT coalesce(slide.copied_from_id, slide.id) AS origin, slide.reading_id, slide.text,
           slide.description, slide.slide_type, slide.language, slide.confidence
    FROM media_cache_cacheasset AS asset JOIN ocr_slidereading AS slide ON slide.asset_id = asset.id
    WHERE asset.sha256 = wanted.sha256 AND asset.sha256 <> ''
      AND slide.reader_id = %(reader)s AND slide.text IS NOT NULL
    ORDER BY slide.position <> wanted.position, slide.copied_from_id IS NOT NULL, slide.id
    LIMIT 1
) AS found
JOIN ocr_reading AS reading ON reading.id = found.reading_id
"""
CLAIM = """
INSERT INTO ocr_pictureclaim (sha256, reader_id, reading_id, until)
SELECT sha256, %(reader)s, reading, statement_timestamp() + %(lease)s
FROM unnest(%(digests)s::text[], %(readings)s::uuid[]) AS wanted (sha256, reading)
ORDER BY sha256
ON CONFLICT (sha256, reader_id) DO UPDATE
SET reading_id = excluded.reading_id, until = excluded.until
WHERE ocr_pictureclaim.until <= statement_timestamp()
   OR ocr_pictureclaim.reading_id = excluded.reading_id
RETURNING sha256
"""


def share(hands: Sequence[Hand], reader: Reader, *, lease: timedelta = Reading.LEASE) -> None:
    """Say of every wanted slide whether its text is known, being read elsewhere, or to be asked.

    What is to be asked belongs to its reading from now on, until ``release_claims`` or for
    ``lease``.
    """
    fresh = [(hand, slide) for hand in hands for slide in hand.wanted if _may_be_copied(slide)]
    mine = _claim(fresh, reader, lease)
    # Looked up after the claim: what others finished before they let go of it is seen.
    earlier = _earlier([slide for _, slide in fresh], reader)
    for hand in hands:
        hand.waits, hand.twins = [], {}
    for hand, slide in fresh:
        digest = slide.asset.sha256
        if (found := earlier.get(slide.pk)) is not None:
            hand.copies[slide.pk] = found
        elif digest and mine.get(digest) != (hand.reading.pk, slide.pk):
            holder, first = mine.get(digest, (None, 0))
            if holder == hand.reading.pk:
                hand.twins[slide.pk] = first
            else:
                hand.waits.append(slide)


def release_claims(readings: Sequence[UUID]) -> None:
    """Let others read what these readings had claimed."""
    PictureClaim.objects.filter(reading__in=readings).delete()


def _may_be_copied(slide: SlideReading) -> bool:
    """Not where a person wants it read afresh: it has a text, but no reader any more."""
    return slide.text is None or slide.reader_id is not None


def _claim(
    fresh: Sequence[tuple[Hand, SlideReading]], reader: Reader, lease: timedelta
) -> dict[str, tuple[UUID, int]]:
    """By hash, reading and slide for which it will be read: the first, if it was free."""
    first: dict[str, tuple[UUID, int]] = {}
    for hand, slide in fresh:
        if slide.asset.sha256:
            first.setdefault(slide.asset.sha256, (hand.reading.pk, slide.pk))
    if not first:
        return {}
    params: dict[str, Any] = {
        "reader": reader.pk,
        "lease": lease,
        "digests": list(first),
        "readings": [reading for reading, _ in first.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, params)
        return {digest: first[digest] for (digest,) in cursor.fetchall()}


def _earlier(slides: Sequence[SlideReading], reader: Reader) -> dict[int, Earlier]:
    known = [slide for slide in slides if slide.asset.sha256]
    if not known:
        return {}
    params: dict[str, Any] = {
        "reader": reader.pk,
        "slides": [slide.pk for slide in known],
        "digests": [slide.asset.sha256 for slide in known],
        "positions": [slide.position for slide in known],
    }
    labels = {slide.pk: str(slide.position) for slide in known}
    with connection.cursor() as cursor:
        cursor.execute(EARLIER, params)
        return {
            slide: Earlier(origin, reading, judged, version, SlideResult(labels[slide], *answer))
            for slide, origin, reading, judged, version, *answer in cursor.fetchall()
        }

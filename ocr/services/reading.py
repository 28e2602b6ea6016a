"""The step of a reading: find out what its pictures say, many posts in one request."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from carousel.lib import faults
from carousel.lib.drain import Flow
from carousel.lib.work import Status
from ocr.engine import CategoryChoice, Context, Engine, PostResult
from ocr.models import PostCategory, Reader, Reading
from ocr.services.batches import join, may_join
from ocr.services.engines import current_engine, reader_of
from ocr.services.gate import pass_switch
from ocr.services.hand import Hand, take
from ocr.services.reuse import release_claims, share
from ocr.services.writing import mark_missing, write
from ocr.signals import readings_finished


def read(readings: list[Reading]) -> None:
    """Find out what these readings lack, and end each row.

    What the same bytes said before is copied; only the rest is asked for.
    """
    pass_switch()
    faults.point("reading.claimed")
    engine = current_engine()
    reader = reader_of(engine)
    hands = [hand for hand in take(readings, reader) if not _ended_unread(hand)]
    patient: list[Hand] = []
    try:
        share(hands, reader)
        for hand in hands:
            if not hand.to_ask() and not hand.waits:
                write(hand, None, reader)
        hands = [hand for hand in hands if hand.to_ask() or hand.waits]
        patient = [hand for hand in hands if not hand.waits and may_join(hand.reading)]
        join(patient, reader)
        hands = [hand for hand in hands if hand not in patient]
        results = _ask(engine, hands)
        for hand in sorted(hands, key=lambda hand: bool(hand.waits)):
            result = results.get(str(hand.reading.pk))
            (_write_waiting if hand.waits else write)(hand, result, reader)
    finally:
        joined = {hand.reading.pk for hand in patient}
        release_claims([reading.pk for reading in readings if reading.pk not in joined])


def announce(readings: list[Reading]) -> None:
    """Tell who listens which of these came to their end."""
    faults.point("reading.committed")
    ended = (Status.COMPLETED, Status.FAILED)
    ids = Reading.objects.filter(pk__in=[row.pk for row in readings], status__in=ended)
    if finished := list(ids.values_list("pk", flat=True)):
        readings_finished.send(Reading, reading_ids=finished)


def context() -> Context:
    """The categories that a reader may choose from."""
    active = PostCategory.objects.filter(active=True).order_by("name")
    choices = tuple(CategoryChoice(each.name, each.description) for each in active)
    return Context(choices, allow_new_categories=True)


def _ask(engine: Engine, hands: Sequence[Hand]) -> dict[str, PostResult]:
    asked = [hand.request() for hand in hands if hand.to_ask()]
    if not asked:
        return {}
    results = {result.key: result for result in engine.read(asked, context())}
    faults.point("reading.answered")
    return results


def _write_waiting(hand: Hand, result: PostResult | None, reader: Reader) -> None:
    """Write one that shares a picture with another post; by now that may have been read."""
    asked = {slide.pk for slide in hand.asks}
    share([hand], reader)
    # What came free, because whoever had it failed, is asked for in the next turn.
    hand.waits += [slide for slide in hand.asks if slide.pk not in asked]
    write(hand, result, reader)


def _ended_unread(hand: Hand) -> bool:
    """End a row of which no picture is there."""
    if any(slide.text is not None for slide in hand.slides) or hand.wanted:
        return False
    mark_missing(hand.slides)
    reason = "None of its pictures could be stored, so there is nothing to read."
    hand.reading.fail(reason, code="no_slides", retryable=False)
    return True


FLOW = Flow(
    Reading,
    read,
    bundle=settings.OCR_POSTS_PER_REQUEST if settings.OCR_ENGINE == "gemini" else 1,
    announce=announce,
)

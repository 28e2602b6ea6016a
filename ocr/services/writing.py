"""Write down what was found out about a reading, slide by slide, and end its row: both or
neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from carousel.lib import faults
from carousel.lib.database import persist
from carousel.lib.drain import end
from carousel.lib.errors import NotNow, UpstreamError
from ocr.engine import PostResult, SlideResult
from ocr.fold import searchable
from ocr.models import Reader, Reading, SlideReading, Source
from ocr.services.categories import inherit_category, write_category
from ocr.services.hand import Hand, stored

BEING_READ = 15.0  # seconds between two looks at a picture that is being read for another post
WRITTEN = (
    *("text", "search_text", "description", "language", "slide_type", "source", "confidence"),
    *("reader", "copied_from", "error", "error_code"),
)


def write(hand: Hand, result: PostResult | None, reader: Reader) -> bool:
    """Keep copies and answers, and end the row. False if it is no longer ours; nothing is kept.

    ``result`` is None where nobody was asked. What was paid for outlives a database that goes
    away just now.
    """
    return persist(lambda: _write(hand, result, reader))


def _write(hand: Hand, result: PostResult | None, reader: Reader) -> bool:
    with transaction.atomic():
        # First the row, whose lease says that it is ours to write; then what hangs on it.
        if not _end(hand, result, reader):
            return False
        faults.point("reading.row_ended")
        changed = _copied(hand, reader)
        if result is not None:
            changed += _answered(hand, result, reader)
        _save(changed)
        faults.point("reading.slides_written")
        mark_missing(slide for slide in hand.slides if slide.text is None)
        _judge(hand, result)
    return True


def mark_missing(slides: Iterable[SlideReading]) -> None:
    """Say of slides without a text that there is no picture, where that is why."""
    if pks := [slide.pk for slide in slides if not stored(slide)]:
        SlideReading.objects.filter(pk__in=pks).update(
            error="The picture is not stored.", error_code="not_stored"
        )


def _end(hand: Hand, result: PostResult | None, reader: Reader) -> bool:
    reading = hand.reading
    known = _facts(hand, result, reader)
    error = _error(hand, result)
    if error is None:
        return reading.finish(read_all=False, **known)
    if isinstance(error, UpstreamError):
        return reading.fail(
            str(error),
            code=error.code,
            retryable=error.retryable,
            retry_after=error.retry_after,
            **known,
        )
    return end(reading, error) and bool(Reading.objects.filter(pk=reading.pk).update(**known))


def _facts(hand: Hand, result: PostResult | None, reader: Reader) -> dict[str, Any]:
    """Who read it, and what it cost."""
    known: dict[str, Any] = {}
    if result is not None:
        known = {
            "input_tokens": Coalesce(F("input_tokens"), 0) + result.input_tokens,
            "output_tokens": Coalesce(F("output_tokens"), 0) + result.output_tokens,
            "cost_usd": Coalesce(F("cost_usd"), 0) + result.cost_usd,
        }
    elif hand.copies:
        known = {
            name: Coalesce(F(name), 0) for name in ("input_tokens", "output_tokens", "cost_usd")
        }
    if hand.copies or (result is not None and result.slides):
        versions = [each.model_version for each in hand.copies.values() if each.model_version]
        answered = result.model_version if result is not None else ""
        known |= {
            "engine": reader.engine,
            "model": reader.model,
            "model_version": answered or (versions[0] if versions else ""),
            "prompt_version": reader.prompt_version,
        }
    return known


def _error(hand: Hand, result: PostResult | None) -> UpstreamError | NotNow | None:
    """What keeps a post from being finished: slides worth asking for again, or none answered."""
    if result is not None:
        if result.error is not None:
            return result.error
        again = [error for error in result.errors.values() if error.retryable and hand.asks]
        if again:
            return UpstreamError(again[0].message, code=again[0].code, retryable=True)
    if hand.waits:
        return NotNow("A picture of it is being read for another post.", wait=BEING_READ)
    if result is not None and result.errors and not result.slides and not hand.copies:
        first = next(iter(result.errors.values()))
        return UpstreamError(first.message, code=first.code, retryable=False)
    return None


def _copied(hand: Hand, reader: Reader) -> list[SlideReading]:
    changed = []
    for slide in hand.wanted:
        if (earlier := hand.copies.get(slide.pk)) is not None:
            _fill(slide, earlier.answer, reader)
            slide.copied_from_id = earlier.slide_id
            changed.append(slide)
    return changed


def _answered(hand: Hand, result: PostResult, reader: Reader) -> list[SlideReading]:
    asked = {str(slide.position): slide for slide in hand.asks}
    changed = []
    for answer in result.slides:
        if (slide := asked.get(answer.label)) is not None:
            _fill(slide, answer, reader)
            slide.copied_from_id = None
            changed += [slide, *_twins_of(slide, answer, hand, reader)]
    for label, error in result.errors.items():
        if (slide := asked.get(label)) is not None:
            slide.error, slide.error_code = error.message, error.code
            changed.append(slide)
    return changed


def _twins_of(
    slide: SlideReading, answer: SlideResult, hand: Hand, reader: Reader
) -> list[SlideReading]:
    """The same picture further on in the post, filled."""
    twins = [each for each in hand.wanted if hand.twins.get(each.pk) == slide.pk]
    for twin in twins:
        _fill(twin, answer, reader)
        twin.copied_from_id = slide.pk
    return twins


def _fill(slide: SlideReading, answer: SlideResult, reader: Reader) -> None:
    slide.text, slide.search_text = answer.text, searchable(answer.text)
    slide.description, slide.language = answer.description, answer.language[:16]
    slide.error = slide.error_code = ""
    slide.reader = reader
    if slide.source != Source.HUMAN:  # a person may have set the type before the text was read
        slide.slide_type, slide.source = answer.slide_type, Source.AI
        slide.confidence = answer.confidence


def _save(changed: list[SlideReading]) -> None:
    """A person may have corrected a slide while it was being read: theirs wins."""
    rows = SlideReading.objects.filter(pk__in=[slide.pk for slide in changed]).order_by("pk")
    # All are locked, so that whoever corrects one just now does it after us.
    now = {row.pk: row for row in rows.select_for_update().only("text", "slide_type", "source")}
    theirs = {pk for pk, row in now.items() if row.source == Source.HUMAN}
    for slide in changed:
        if slide.pk in theirs:
            slide.slide_type, slide.source = now[slide.pk].slide_type, Source.HUMAN
            slide.confidence = None
    kept = {pk for pk in theirs if now[pk].text is not None}
    written = [slide for slide in changed if slide.pk in now and slide.pk not in kept]
    SlideReading.objects.bulk_update(written, WRITTEN)


def _judge(hand: Hand, result: PostResult | None) -> None:
    if result is None:
        if hand.source is not None:
            inherit_category(hand.reading, hand.source)
        return
    answered = result.slides or (not hand.asks and result.error is None)
    if answered and result.category_answered:
        write_category(hand.reading, result.category, result.category_confidence)

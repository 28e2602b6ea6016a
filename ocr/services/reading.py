"""Give pictures to a reader and write down what it says, slide by slide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from carousel.lib.drain import Flow, end
from carousel.lib.errors import UpstreamError
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.storage import media_storage
from ocr.engine import CategoryChoice, Context, PostRequest, PostResult, SlideImage
from ocr.fold import fold
from ocr.models import PostCategory, Reading, SlideReading, Source
from ocr.services.engines import current_engine
from ocr.signals import readings_finished

UNKNOWN = "unknown"


def read(readings: list[Reading]) -> None:
    """The step: read what these readings lack, many posts in one request, and end each row."""
    slides = _slides_of(readings)
    asked = []
    for reading in readings:
        wanted = [slide for slide in slides[reading.pk] if _wanted(slide, reading)]
        if wanted:
            asked.append(_request(reading, wanted, len(slides[reading.pk])))
        else:
            _end_without_asking(reading, slides[reading.pk])
    if not asked:
        return
    engine = current_engine()
    results = {result.key: result for result in engine.read(asked, _context())}
    for reading in readings:
        if (result := results.get(str(reading.pk))) is not None:
            _write(reading, slides[reading.pk], result)


def announce(readings: list[Reading]) -> None:
    """Tell who listens which of these came to their end."""
    ended = (Status.COMPLETED, Status.FAILED)
    ids = Reading.objects.filter(pk__in=[row.pk for row in readings], status__in=ended)
    if finished := list(ids.values_list("pk", flat=True)):
        readings_finished.send(Reading, reading_ids=finished)


def _slides_of(readings: Iterable[Reading]) -> dict[UUID, list[SlideReading]]:
    slides: dict[UUID, list[SlideReading]] = {reading.pk: [] for reading in readings}
    found = SlideReading.objects.filter(reading__in=list(slides)).select_related("asset")
    for slide in found.order_by("reading", "position"):
        slides[slide.reading_id].append(slide)
    return slides


def _stored(slide: SlideReading) -> bool:
    return slide.asset.status == Status.COMPLETED and bool(slide.asset.storage_key)


def _wanted(slide: SlideReading, reading: Reading) -> bool:
    if not _stored(slide):
        return False
    return slide.text is None or (reading.read_all and slide.source != Source.HUMAN)


def _request(reading: Reading, slides: list[SlideReading], count: int) -> PostRequest:
    images = tuple(
        SlideImage(
            label=str(slide.position),
            content=partial(_content, slide.asset),
            content_type=slide.asset.content_type,
            width=slide.asset.width,
            height=slide.asset.height,
            position=slide.position,
        )
        for slide in slides
    )
    return PostRequest(str(reading.pk), reading.context, reading.language, images, count)


def _content(asset: CacheAsset) -> bytes:
    with media_storage().open(asset.storage_key) as file:
        content: bytes = file.read()
        return content


def _context() -> Context:
    active = PostCategory.objects.filter(active=True).order_by("name")
    choices = tuple(CategoryChoice(each.name, each.description) for each in active)
    return Context(choices, allow_new_categories=True)


def _end_without_asking(reading: Reading, slides: list[SlideReading]) -> None:
    missing = [slide for slide in slides if slide.text is None]
    _mark_missing(missing)
    if len(missing) == len(slides):
        reason = "None of its pictures could be stored, so there is nothing to read."
        reading.fail(reason, code="no_slides", retryable=False)
    else:
        reading.finish(read_all=False)


def _mark_missing(slides: list[SlideReading]) -> None:
    pks = [slide.pk for slide in slides if not _stored(slide)]
    if pks:
        SlideReading.objects.filter(pk__in=pks).update(
            error="The picture is not stored.", error_code="not_stored"
        )


def _write(reading: Reading, slides: list[SlideReading], result: PostResult) -> None:
    """Keep what was answered and end the row, both or neither."""
    by_label = {str(slide.position): slide for slide in slides}
    with transaction.atomic():
        # First the row, whose lease says that it is ours to write; then what hangs on it.
        if not _end(reading, result):
            return
        _write_slides(by_label, result, overwrite=reading.read_all)
        _mark_missing([slide for slide in slides if slide.text is None])
        if result.slides:
            _write_category(reading, result)


def _end(reading: Reading, result: PostResult) -> bool:
    engine = current_engine()
    known: dict[str, Any] = {
        "input_tokens": Coalesce(F("input_tokens"), 0) + result.input_tokens,
        "output_tokens": Coalesce(F("output_tokens"), 0) + result.output_tokens,
        "cost_usd": Coalesce(F("cost_usd"), 0) + result.cost_usd,
    }
    if result.slides:
        known |= {
            "engine": engine.name,
            "model": engine.model,
            "model_version": result.model_version,
            "prompt_version": engine.prompt_version,
        }
    error = result.error or _worst_error(result)
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
    return end(reading, error)


def _worst_error(result: PostResult) -> UpstreamError | None:
    """What keeps a post from being finished: slides worth asking for again, or none answered."""
    again = [error for error in result.errors.values() if error.retryable]
    if again:
        return UpstreamError(again[0].message, code=again[0].code, retryable=True)
    if result.errors and not result.slides:
        first = next(iter(result.errors.values()))
        return UpstreamError(first.message, code=first.code, retryable=False)
    return None


def _write_slides(
    slides: Mapping[str, SlideReading], result: PostResult, *, overwrite: bool
) -> None:
    changed = []
    for answer in result.slides:
        slide = slides.get(answer.label)
        if slide is None or (slide.text is not None and not overwrite):
            continue
        slide.text, slide.search_text = answer.text, fold(answer.text)
        slide.description, slide.language = answer.description, answer.language[:16]
        slide.error = slide.error_code = ""
        if slide.source != Source.HUMAN:
            slide.slide_type, slide.source = answer.slide_type, Source.AI
            slide.confidence = answer.confidence
        changed.append(slide)
    for label, error in result.errors.items():
        slide = slides.get(label)
        if slide is not None:
            slide.error, slide.error_code = error.message, error.code
            changed.append(slide)
    # A person may have corrected a slide while it was being read: theirs wins.
    human = SlideReading.objects.filter(
        pk__in=[slide.pk for slide in changed], source=Source.HUMAN, text__isnull=False
    )
    theirs = set(human.select_for_update().values_list("pk", flat=True))
    SlideReading.objects.bulk_update(
        [slide for slide in changed if slide.pk not in theirs],
        [
            *("text", "search_text", "description", "language", "slide_type", "source"),
            *("confidence", "error", "error_code"),
        ],
    )


def _write_category(reading: Reading, result: PostResult) -> None:
    name = (result.category or "").strip()
    mine = Reading.objects.filter(pk=reading.pk).exclude(category_source=Source.HUMAN)
    if not name or name.casefold() == UNKNOWN:
        mine.update(category=None, category_confidence=None, category_source=Source.AI)
        return
    category = PostCategory.objects.filter(name__iexact=name).first()
    if category is None:
        category, _ = PostCategory.objects.get_or_create(
            name__iexact=name,
            defaults={
                "name": name[:80],
                "ai_generated": True,
                "active": settings.OCR_NEW_CATEGORIES == "accept",
            },
        )
    if category.active:
        mine.update(
            category=category,
            category_confidence=result.category_confidence,
            category_source=Source.AI,
        )
    else:
        mine.update(proposed_category=category, category_confidence=result.category_confidence)


FLOW = Flow(
    Reading,
    read,
    bundle=settings.OCR_POSTS_PER_REQUEST if settings.OCR_ENGINE == "gemini" else 1,
    announce=announce,
)

"""Hold what was read against what a person says there is to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ocr.models import Reading, SlideReading, Source
from ocr.scoring import Tally
from ocr.services.categories import find_category

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One slide labelled by hand; None where a label is missing. ``position`` counts from 0."""

    reading_id: UUID
    position: int
    text: str | None = None
    slide_type: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """A tally for each reader (engine, model, version of the prompt), and what could not count:
    slides that are not read, that a person has corrected, or that do not exist."""

    by_reader: dict[str, Tally]
    unread: int
    corrected: int
    missing: int


def score(sample: Sequence[Labelled]) -> Scores:
    """Compare a sample with the readings as they stand; categories count once per post."""
    ids = {label.reading_id for label in sample}
    slides = SlideReading.objects.filter(reading__in=ids).select_related("reader")
    by_place = {(slide.reading_id, slide.position): slide for slide in slides}
    readings = Reading.objects.select_related("category").in_bulk(list(ids))
    tallies: dict[str, Tally] = {}
    unread = corrected = missing = 0
    judged: set[UUID] = set()
    for label in sample:
        slide = by_place.get((label.reading_id, label.position))
        if slide is None:
            missing += 1
            continue
        reading = readings[label.reading_id]
        tally = tallies.setdefault(_reader(slide, reading), Tally())
        if label.category and label.reading_id not in judged:
            judged.add(label.reading_id)
            _score_category(tally, reading, label.category)
        if slide.text is None:
            unread += 1
        elif slide.source == Source.HUMAN:
            corrected += 1
        else:
            _score_slide(tally, slide, label)
    kept = {name: tally for name, tally in sorted(tallies.items()) if tally.texts or tally.judged}
    return Scores(kept, unread, corrected, missing)


def _reader(slide: SlideReading, reading: Reading) -> str:
    if slide.reader is not None:
        return str(slide.reader)
    return f"{reading.engine} {reading.model} {reading.prompt_version}".strip() or "nobody"


def _score_slide(tally: Tally, slide: SlideReading, label: Labelled) -> None:
    if label.text is not None:
        tally.add(slide.text or "", label.text)
    if label.slide_type:
        tally.judge("slide_type", right=slide.slide_type == label.slide_type.strip().lower())


def _score_category(tally: Tally, reading: Reading, wanted: str) -> None:
    if reading.category_source != Source.AI:
        return
    if wanted.strip().casefold() == UNKNOWN:
        tally.judge("category", right=reading.category is None)
        return
    known = find_category(wanted)
    right = known is not None and reading.category_id == known.pk
    tally.judge("category", right=right)

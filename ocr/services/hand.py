"""What one step has in hand: readings, their slides, and what is still to be found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.storage import media_storage
from ocr.engine import KnownSlide, PostRequest, SlideImage, SlideResult
from ocr.models import Reader, Reading, SlideReading, Source
from ocr.services.request import name_slides

KNOWN_TEXT = 600  # characters of a slide read before that the reader gets to judge the post by


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the same bytes said before: the slide it stands on first, the reading it was found in,
    whether that has a category, and the model that answered there."""

    slide_id: int
    reading_id: UUID
    judged: bool
    model_version: str
    answer: SlideResult


@dataclass(slots=True, eq=False)
class Hand:
    """One claimed reading. ``wanted`` slides lack a text. ``copies`` says by a slide's id what was
    found for it, ``waits`` are those whose bytes somebody else is reading just now, and ``twins``
    names for a slide an earlier one of this post with the same bytes."""

    reading: Reading
    slides: list[SlideReading]
    wanted: list[SlideReading]
    copies: dict[int, Earlier] = field(default_factory=dict)
    waits: list[SlideReading] = field(default_factory=list)
    twins: dict[int, int] = field(default_factory=dict)

    @property
    def asks(self) -> list[SlideReading]:
        """The slides that the reader has to look at."""
        others = {slide.pk for slide in self.waits} | self.copies.keys() | self.twins.keys()
        return [slide for slide in self.wanted if slide.pk not in others]

    @property
    def source(self) -> UUID | None:
        """The one reading that all slides come from, if it is so and it has a category."""
        sources = {each.reading_id for each in self.copies.values() if each.judged}
        whole = len(self.copies) == len(self.slides)
        return sources.pop() if whole and len(sources) == 1 else None

    @property
    def lacks_category(self) -> bool:
        """Whether the post has to be judged, though no slide has to be looked at.

        It need not where a person has judged, or where all slides come from one post: then that
        one's category goes for this one.
        """
        if self.reading.category_source == Source.HUMAN or not (self.copies or self.known()):
            return False
        judged = self.reading.category_source or self.reading.proposed_category_id
        return (not judged or bool(self.copies)) and self.source is None

    def to_ask(self) -> bool:
        """Whether the reader is needed at all, as far as is known now."""
        return bool(self.asks) or (not self.waits and self.lacks_category)

    def known(self) -> list[KnownSlide]:
        """The slides whose text is known and that are not asked for."""
        asked = {slide.pk for slide in self.asks}
        texts = {s.pk: s.text for s in self.slides if s.pk not in asked and s.text is not None}
        texts |= {pk: earlier.answer.text for pk, earlier in self.copies.items()}
        return [
            KnownSlide(slide.position, text[:KNOWN_TEXT])
            for slide in self.slides
            if (text := texts.get(slide.pk))
        ]

    def request(self) -> PostRequest:
        """What to ask the reader."""
        return PostRequest(
            str(self.reading.pk),
            self.reading.context,
            self.reading.language,
            tuple(_image(slide) for slide in self.asks),
            len(self.slides),
            tuple(self.known()),
        )


def take(readings: Sequence[Reading], reader: Reader) -> list[Hand]:
    """The readings with their slides and which of these ``reader`` has to read."""
    name_slides(readings)
    found: dict[UUID, list[SlideReading]] = {row.pk: [] for row in readings}
    slides = SlideReading.objects.filter(reading__in=list(found)).select_related("asset")
    for slide in slides.order_by("reading", "position"):
        found[slide.reading_id].append(slide)
    return [
        Hand(row, found[row.pk], [s for s in found[row.pk] if _wanted(s, row, reader)])
        for row in readings
    ]


def stored(slide: SlideReading) -> bool:
    """Whether there is a picture to look at."""
    return slide.asset.status == Status.COMPLETED and bool(slide.asset.storage_key)


def _wanted(slide: SlideReading, reading: Reading, reader: Reader) -> bool:
    if not stored(slide):
        return False
    if slide.text is None:
        return True
    # A slide that has its answer in this round already is not paid for twice.
    return reading.read_all and slide.source != Source.HUMAN and slide.reader_id != reader.pk


def _image(slide: SlideReading) -> SlideImage:
    return SlideImage(
        label=str(slide.position),
        content=partial(_content, slide.asset),
        content_type=slide.asset.content_type,
        width=slide.asset.width,
        height=slide.asset.height,
        position=slide.position,
    )


def _content(asset: CacheAsset) -> bytes:
    with media_storage().open(asset.storage_key) as file:
        content: bytes = file.read()
        return content

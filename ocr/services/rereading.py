"""Which readings to have made again, and what that will cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from carousel.lib import arrays
from carousel.lib.work import Priority, Status
from ocr.engine import Engine
from ocr.gemini import price_of
from ocr.gemini.config import IMAGE_TOKENS
from ocr.models import ModelCall, PostCategory, Reading, SlideReading, Source
from ocr.services.engines import current_engine, gemini_config, reader_of
from ocr.services.request import read_again

AT_ONCE = 1000  # readings
LOOK_BACK = 500  # requests from which the usual price of a slide is taken
ENOUGH = 50  # slides read by the same model before its own average is believed
TYPICAL_INPUT, TYPICAL_OUTPUT = 150, 150  # tokens per slide beside its image, and of its answer

# Pictures that one reader would be asked for; the same bytes once, known ones not at all.
COUNT = """
SELECT count(*), count(DISTINCT CASE
    WHEN %(fresh)s OR asset.sha256 = '' THEN slide.id::text ELSE asset.sha256
END) FILTER (
    WHERE %(fresh)s OR NOT EXISTS (
        SELECT FROM media_cache_cacheasset AS same
        JOIN ocr_slidereading AS known ON known.asset_id = same.id
        WHERE same.sha256 = asset.sha256 AND asset.sha256 <> ''
          AND known.reader_id = %(reader)s AND known.text IS NOT NULL
    )
)
FROM ocr_slidereading AS slide
JOIN media_cache_cacheasset AS asset ON asset.id = slide.asset_id
WHERE slide.reading_id = ANY(%(ids)s::uuid[]) AND asset.status = 'completed'
  AND (slide.text IS NULL OR slide.source <> 'human' AND (
        %(force)s
        OR %(outdated)s AND slide.reader_id IS DISTINCT FROM %(reader)s
        OR slide.confidence < %(below)s))
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Conditions that a reading has to meet, all of them; by default every reading meets them.

    ``older_prompt``: read by the engine in use with another version of its prompt.
    ``below_confidence``: has a slide whose text a machine was less sure of (0 to 1).
    """

    failed: bool = False
    older_prompt: bool = False
    engine: str = ""
    category: PostCategory | None = None
    below_confidence: float | None = None

    def readings(self) -> QuerySet[Reading]:
        """Those that meet them, newest first."""
        rows: QuerySet[Reading] = Reading.objects.order_by("-pk")
        if self.failed:
            rows = rows.filter(status=Status.FAILED)
        if self.engine:
            rows = rows.filter(engine=self.engine)
        if self.older_prompt:
            rows = rows.filter(older_prompt())
        if self.category is not None:
            rows = rows.filter(category=self.category)
        if self.below_confidence is not None:
            rows = rows.filter(unsure(self.below_confidence))
        return rows


@dataclass(frozen=True, slots=True)
class Manner:
    """How to read again. Missing texts are always read.

    ``force``: also all that a machine has read; ``outdated``: also what another engine, model or
    version of the prompt has read; ``below_confidence``: also slides that a machine was less
    sure of, and no others.
    """

    force: bool = False
    outdated: bool = False
    below_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What reading again will come to: ``asked`` of ``slides`` have to be looked at, as the others
    are copies of pictures that are known. Dollars; ``measured`` says that tokens per slide are
    this model's own average here, not a typical one."""

    posts: int
    slides: int
    asked: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    mode: str
    measured: bool

    def describe(self) -> str:
        """In one sentence."""
        if not self.slides:
            return f"{self.posts} posts, in which no slide has to be read."
        known = self.slides - self.asked
        copies = f" ({known} are copies of known pictures)" if known else ""
        if self.mode == "local":
            return f"{self.posts} posts with {self.slides} slides{copies}, read on this machine."
        if not self.requests:
            return f"{self.posts} posts with {self.slides} slides{copies}: nobody has to be asked."
        basis = "measured here" if self.measured else "a typical slide's"
        return (
            f"{self.posts} posts with {self.slides} slides{copies}: about {self.requests} "
            f"{self.mode} requests, {self.input_tokens:,} tokens in, {self.output_tokens:,} out, "
            f"${self.cost_usd:.4f} ({basis} tokens per slide)."
        )


def older_prompt() -> Q:
    """Readings of the engine in use that another version of its prompt made."""
    engine = current_engine()
    return Q(engine=engine.name) & ~Q(prompt_version=engine.prompt_version)


def unsure(below: float) -> Exists:
    """Readings with a slide that a machine was less sure of."""
    slides = SlideReading.objects.filter(reading=OuterRef("pk"), confidence__lt=below)
    return Exists(slides.exclude(source=Source.HUMAN))


def estimate_price(
    ids: Sequence[UUID], manner: Manner, *, priority: Priority = Priority.BACKLOG
) -> Estimate:
    """What it will cost to read these again, before it is done."""
    engine = current_engine()
    slides, asked = _count(ids, manner, engine)
    if engine.name != "gemini":
        return Estimate(len(ids), slides, asked, 0, 0, 0, Decimal(0), "local", False)
    config = gemini_config()
    per_input, per_output, measured = _usual(engine.model)
    tokens_in, tokens_out = math.ceil(asked * per_input), math.ceil(asked * per_output)
    batch = settings.OCR_MODE == "batch" and priority != Priority.PERSON
    price = price_of(engine.model, datetime.now(UTC).date())
    by_posts = len(ids) / config.max_posts_per_request
    by_images = asked / config.max_images_per_request
    return Estimate(
        posts=len(ids),
        slides=slides,
        asked=asked,
        requests=math.ceil(max(by_posts, by_images)) if asked else 0,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost_usd=price.cost(tokens_in, tokens_out, batch=batch),
        mode="batch" if batch else "direct",
        measured=measured,
    )


def rerun(ids: Sequence[UUID], manner: Manner, *, priority: Priority = Priority.BACKLOG) -> int:
    """Have these read again, after what is new. Returns how many start over."""
    started = 0
    for first in range(0, len(ids), AT_ONCE):
        with transaction.atomic():
            started += read_again(
                ids[first : first + AT_ONCE],
                force=manner.force,
                outdated=manner.outdated,
                below_confidence=manner.below_confidence,
                priority=priority,
            )
    return started


def _count(ids: Sequence[UUID], manner: Manner, engine: Engine) -> tuple[int, int]:
    """Slides that will get a text, and how many of these have to be asked for."""
    slides = asked = 0
    params: dict[str, Any] = {
        "force": manner.force,
        "fresh": manner.force or manner.below_confidence is not None,
        "outdated": manner.outdated,
        "below": -1.0 if manner.below_confidence is None else manner.below_confidence,
        "reader": reader_of(engine).pk,
    }
    with connection.cursor() as cursor:
        for first in range(0, len(ids), AT_ONCE):
            params["ids"] = arrays.uuids(ids[first : first + AT_ONCE])
            cursor.execute(COUNT, params)
            counted = cursor.fetchone()
            slides, asked = slides + counted[0], asked + counted[1]
    return slides, asked


def _usual(model: str) -> tuple[float, float, bool]:
    """Tokens per slide, in and out, and whether they were measured."""
    calls = ModelCall.objects.filter(model=model, input_tokens__isnull=False, images__gt=0)
    latest = calls.order_by("-started_at").values("pk")[:LOOK_BACK]
    sums = ModelCall.objects.filter(pk__in=latest).aggregate(
        images=Sum("images"), input=Sum("input_tokens"), output=Sum("output_tokens")
    )
    if (sums["images"] or 0) >= ENOUGH:
        return sums["input"] / sums["images"], sums["output"] / sums["images"], True
    config = gemini_config()
    usual = "medium" if config.media_resolution == "auto" else config.media_resolution
    image = IMAGE_TOKENS[usual if config.images_differ else config.request_resolution]
    return image + TYPICAL_INPUT, TYPICAL_OUTPUT, False

"""Reads slides on this machine, without a key and without the network.

Text comes from a model (PP-OCRv6 small, inside the rapidocr wheel: Latin script, Chinese and
Japanese), language, slide type and category from the rules of this package; ``LocalEngine.model``
says so, and every answer carries it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from carousel.lib.errors import UpstreamError
from ocr.engine import (
    Context,
    PostRequest,
    PostResult,
    ReadError,
    SlideImage,
    SlideResult,
    language_code,
)
from ocr.local import language, rules
from ocr.local.layout import Layout, arrange
from ocr.local.reader import read_boxes
from ocr.pictures import MAX_PIXELS, decode, load

logger = logging.getLogger(__name__)

MODEL: Final = "rapidocr-3.10/PP-OCRv6 + rules"


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """Limits of the local reader.

    ``max_side`` (pixels) is where larger pictures are reduced before reading; the three limits
    bound one call, so that it ends long before a worker's time limit (0.3 s per slide and core).
    """

    max_side: int = 2000
    max_pixels: int = MAX_PIXELS
    max_posts: int = 8
    max_images: int = 64
    max_bytes: int = 64_000_000


class LocalEngine:
    """Reads one slide after another in this process; see ``ocr.engine.Engine``."""

    name: Final = "local"
    model: Final = MODEL
    prompt_version: Final = rules.RULES_VERSION

    def __init__(self, config: LocalConfig = LocalConfig()) -> None:
        self._config = config
        self.max_posts = config.max_posts
        self.max_images = config.max_images
        self.max_bytes = config.max_bytes

    def read(self, posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        """Return one result per post, in the same order.

        Raises ``UpstreamError`` ``reader_missing`` where rapidocr or its models are not installed.
        """
        return [self._read_post(post, context) for post in posts]

    def _read_post(self, post: PostRequest, context: Context) -> PostResult:
        layouts: dict[str, Layout] = {}
        errors: dict[str, ReadError] = {}
        for slide in post.slides:
            try:
                layouts[slide.label] = self._read_slide(slide)
            except UpstreamError as error:
                if error.code == "reader_missing":
                    raise
                errors[slide.label] = ReadError(error.code, str(error), error.retryable)
        texts = [*(known.text for known in post.known), *(each.text for each in layouts.values())]
        name, confidence = rules.category(post.caption, texts, context)
        return PostResult(
            key=post.key,
            slides=_results(post, layouts),
            category=name,
            category_confidence=confidence,
            model_version=MODEL if layouts else "",
            errors=errors,
        )

    def _read_slide(self, slide: SlideImage) -> Layout:
        content = load(slide.load)
        picture = decode(
            content, max_side=self._config.max_side, max_pixels=self._config.max_pixels
        )
        return arrange(read_boxes(picture))


def _results(post: PostRequest, layouts: dict[str, Layout]) -> tuple[SlideResult, ...]:
    """Put text and rules together; a slide too short to tell its language takes the post's."""
    texts = [*(known.text for known in post.known), *(each.text for each in layouts.values())]
    whole = "\n".join([*texts, post.caption])
    hint = language_code(post.language)
    likely = language.detect(whole, hint) or hint
    count = post.slide_count or max((slide.position + 1 for slide in post.slides), default=0)
    return tuple(
        _result(slide, layouts[slide.label], count, likely)
        for slide in post.slides
        if slide.label in layouts
    )


def _result(slide: SlideImage, layout: Layout, count: int, likely: str) -> SlideResult:
    return SlideResult(
        label=slide.label,
        text=layout.text,
        description=rules.description(len(layout.lines), layout.unread),
        slide_type=rules.slide_type(layout.text, slide.position, count),
        language=(language.detect(layout.text, likely) or likely) if layout.text else "",
        confidence=layout.confidence,
    )

"""Fill requests: as many slides of as many posts as the limits allow, each under its label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from carousel.lib.errors import UpstreamError
from ocr.engine import ReadError, RequestEstimate
from ocr.gemini.config import IMAGE_TOKENS, GeminiConfig
from ocr.gemini.images import PreparedImage, prepare
from ocr.gemini.prices import Price
from ocr.gemini.progress import Ask, Bundle, Post
from ocr.prompt import CAPTION_LIMIT, post_line, slide_line

Part = str | PreparedImage

_ENVELOPE: Final = 8_000
"""Bytes of a request beside instruction, captions and images: schema, settings, names."""

_ENVELOPE_TOKENS: Final = 2_000
"""Tokens of a request beside instruction, captions and images, at most: the schema."""

_POST_TOKENS: Final = 50
_SLIDE_TOKENS: Final = 150
"""Output tokens of a post's frame and of a slide with a few lines of text, for estimates."""


def pack(posts: Sequence[Post], config: GeminiConfig, instruction: str) -> Iterator[Bundle]:
    """Yield requests as full as they may be. A post stays whole unless it fills one alone.

    Pictures are loaded when their request is filled, so that one request's worth of them is in
    memory. A picture that can't be sent is written to its post's errors.
    """
    waiting: list[Ask] = []
    for post in posts:
        asks = _prepared(post, config)
        if waiting and not _fits([*waiting, *asks], config, instruction):
            yield Bundle(tuple(waiting))
            waiting = []
        for ask in asks:
            if waiting and not _fits([*waiting, ask], config, instruction):
                yield Bundle(tuple(waiting))
                waiting = []
            waiting.append(ask)
    if waiting:
        yield Bundle(tuple(waiting))


def parts_of(bundle: Bundle) -> list[Part]:
    """Return the texts and images of a request: post by post, a label before each image."""
    parts: list[Part] = []
    for post, asks in bundle.posts():
        known = [(slide.position, slide.text) for slide in post.request.known]
        parts.append(post_line(post.label, post.request.caption, known))
        for ask in asks:
            if ask.image is not None:
                parts += [slide_line(ask.label), ask.image]
    return parts


def estimate(
    bundle: Bundle,
    instruction: str,
    config: GeminiConfig,
    price: Price,
    max_output_tokens: int,
    *,
    batch: bool = False,
) -> RequestEstimate:
    """Return what a request is about to use.

    Its ceiling takes every byte of text for a token, which no tokenizer exceeds, and an answer,
    thinking included, as long as it may be.
    """
    texts = [instruction, *(part for part in parts_of(bundle) if isinstance(part, str))]
    images = sum(not ask.is_judging for ask in bundle.asks)
    of_images = sum(
        IMAGE_TOKENS[ask.image.resolution if ask.image else config.request_resolution]
        for ask in bundle.asks
        if not ask.is_judging
    )
    tokens = sum(map(len, texts)) // 3 + of_images
    answer = _POST_TOKENS * len(bundle.posts()) + _SLIDE_TOKENS * images
    most = sum(len(text.encode()) for text in texts) + _ENVELOPE_TOKENS + of_images
    return RequestEstimate(
        model=config.model,
        posts=len(bundle.posts()),
        images=images,
        input_tokens=tokens,
        output_tokens=answer,
        cost_usd=price.cost(tokens, answer, batch=batch),
        ceiling_usd=price.cost(most, max_output_tokens, batch=batch),
    )


def _prepared(post: Post, config: GeminiConfig) -> list[Ask]:
    if not post.request.slides:
        return [Ask(post.label, post, None)]
    asks = []
    for slide in post.request.slides:
        label = post.wire_label(slide)
        try:
            asks.append(Ask(label, post, prepare(slide, config)))
        except UpstreamError as error:
            post.errors[label] = ReadError(error.code, str(error), error.retryable)
    return asks


def _fits(asks: Sequence[Ask], config: GeminiConfig, instruction: str) -> bool:
    # A character takes up to six bytes as JSON, and a quoted caption is escaped twice.
    words = {ask.post.label: 6 * _letters(ask.post) + 200 for ask in asks}
    size = sum(ask.image.wire_bytes for ask in asks if ask.image) + sum(words.values())
    return (
        len(asks) <= config.max_images_per_request
        and len(words) <= config.max_posts_per_request
        and size + 6 * len(instruction) + _ENVELOPE <= config.max_request_bytes
    )


def _letters(post: Post) -> int:
    known = sum(len(slide.text) + 30 for slide in post.request.known)
    return min(len(post.request.caption), CAPTION_LIMIT) + known

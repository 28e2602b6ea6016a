"""What a batch job asks, and what its answers come to.

The plan says which slides stand in which request. It is plain data, so that the process that gets
the answers a day later need not be the one that asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from ocr.engine import Context, PostRequest, PostResult, ReadError, RequestEstimate, SlideImage
from ocr.gemini.batches import FILE_BYTES, INLINE_BYTES, GeminiBatches, Item
from ocr.gemini.client import Reply
from ocr.gemini.config import GeminiConfig
from ocr.gemini.packing import estimate, pack
from ocr.gemini.prices import price_of
from ocr.gemini.progress import Ask, Bundle, Post
from ocr.gemini.recording import record
from ocr.gemini.sending import output_limit
from ocr.prompt import system_instruction

Plan = dict[str, Any]

COMPOSE_SECONDS = 90.0  # far below a task's time limit; what did not fit goes into the next job


@dataclass(slots=True)
class Composed:
    """A job before it is sent. ``left`` are the keys of posts that it does not hold as a whole,
    because it is full or because no picture of theirs could be prepared."""

    plan: Plan
    requests: list[tuple[str, Bundle]] | Path
    instruction: str
    images: int = 0
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished job brought, and what all its answers together used."""

    results: list[PostResult]
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal


def most(
    posts: Sequence[PostRequest], context: Context, config: GeminiConfig
) -> list[RequestEstimate]:
    """Return of each post what it may use in a job, however the job is packed."""
    price = config.price or price_of(config.model, datetime.now(UTC).date())
    each: list[RequestEstimate] = []
    for number, request in enumerate(posts, 1):
        post = Post(f"p{number}", request)
        asks = tuple(Ask(post.wire_label(s), post, None) for s in request.slides)
        bundle = Bundle(asks or (Ask(post.label, post, None),))
        limit = output_limit(bundle, config)
        each.append(estimate(bundle, _instruction(context), config, price, limit, batch=True))
    return each


def compose(
    posts: Sequence[PostRequest],
    context: Context,
    config: GeminiConfig,
    batches: GeminiBatches,
    path: Path,
) -> Composed:
    """Pack posts into requests until all are in, the job is full or the time is over.

    As long as they are few they stay in memory, else they go to a new file at ``path``.
    """
    instruction = _instruction(context)
    asked = [Post(f"p{number}", request) for number, request in enumerate(posts, 1)]
    writer = _Writer(batches, instruction, path)
    requests: list[tuple[str, list[str]]] = []
    ends = time.monotonic() + COMPOSE_SECONDS
    with writer:
        for bundle in pack(asked, config, instruction):
            if time.monotonic() > ends or not writer.add(f"r{len(requests)}", bundle):
                break
            requests.append((f"r{len(requests)}", [ask.label for ask in bundle.asks]))
    inside = {label for _, labels in requests for label in labels}
    whole = [post for post in asked if _wanted(post) and _wanted(post) <= inside]
    return Composed(
        plan={
            "posts": {p.label: [p.request.key, _positions(p)] for p in whole},
            "requests": [[key, labels] for key, labels in requests],
        },
        requests=writer.requests,
        instruction=instruction,
        images=len(inside),
        left=[post.request.key for post in asked if post not in whole],
    )


def keys_of(plan: Plan) -> list[str]:
    """The keys of the requests, in their order."""
    return [key for key, _ in plan["requests"]]


def outcome(plan: Plan, items: Iterable[Item], context: Context, config: GeminiConfig) -> Outcome:
    """Match answers to the plan. What was not answered has a retryable error in its result."""
    posts = {label: _post(label, key, found) for label, (key, found) in plan["posts"].items()}
    bundles = {key: _bundle(labels, posts) for key, labels in plan["requests"]}
    replies: list[Reply] = []
    cost = Decimal(0)
    for item in items:
        bundle = bundles.pop(item.key, None)
        if bundle is None:
            continue
        left = list(bundle.asks)
        if item.reply is not None:
            price = config.price or price_of(item.reply.model_version, datetime.now(UTC).date())
            left = record(bundle, item.reply, price, context, batch=True)
            replies.append(item.reply)
            cost += price.cost(item.reply.input_tokens, item.reply.output_tokens, batch=True)
        _leave(left, item.error or "its answer left it out")
    for bundle in bundles.values():
        _leave(bundle.asks, "its request was not answered")
    results = [post.result(None) for post in posts.values()]
    return Outcome(
        results,
        sum(reply.input_tokens for reply in replies),
        sum(reply.output_tokens for reply in replies),
        cost,
    )


class _Writer:
    """Keeps requests in memory and moves them to a file once they are too many for a call."""

    def __init__(self, batches: GeminiBatches, instruction: str, path: Path) -> None:
        self._batches, self._instruction, self._path = batches, instruction, path
        self._few: list[tuple[str, Bundle]] = []
        self._file: BinaryIO | None = None
        self._size = 0

    def __enter__(self) -> None:
        self._path.unlink(missing_ok=True)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def requests(self) -> list[tuple[str, Bundle]] | Path:
        """What was added."""
        return self._few if self._file is None else self._path

    def add(self, key: str, bundle: Bundle) -> bool:
        """Add a request; False if the job is full."""
        size = sum(ask.image.wire_bytes for ask in bundle.asks if ask.image) + 20_000
        if self._size + size > FILE_BYTES:
            return False
        self._size += size
        self._few.append((key, bundle))
        if self._size > INLINE_BYTES:
            self._file = self._file or self._path.open("wb")
            for each in self._few:
                self._file.write(self._batches.write_line(*each, self._instruction))
            self._few = []
        return True


def _instruction(context: Context) -> str:
    return system_instruction(
        ((each.name, each.description) for each in context.categories),
        allow_new_categories=context.allow_new_categories,
    )


def _wanted(post: Post) -> set[str]:
    """The labels of what is asked of a post and could be prepared."""
    labels = {post.wire_label(slide) for slide in post.request.slides} or {post.label}
    return labels - post.errors.keys()


def _positions(post: Post) -> list[int]:
    return [
        slide.position for slide in post.request.slides if post.wire_label(slide) not in post.errors
    ]


def _post(label: str, key: str, positions: Sequence[int]) -> Post:
    slides = (SlideImage(str(place), b"", "", position=place) for place in positions)
    return Post(label, PostRequest(key, "", "", tuple(slides)))


def _bundle(labels: Sequence[str], posts: dict[str, Post]) -> Bundle:
    return Bundle(tuple(_asks(labels, posts)))


def _asks(labels: Sequence[str], posts: dict[str, Post]) -> Iterator[Ask]:
    for label in labels:
        if (post := posts.get(label.partition("s")[0])) is not None:
            yield Ask(label, post, None)


def _leave(asks: Iterable[Ask], why: str) -> None:
    for ask in asks:
        ask.post.errors[ask.label] = ReadError(
            "batch_unanswered", f"The batch job brought no answer: {why}.", retryable=True
        )

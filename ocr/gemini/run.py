"""One call of the reader: pack slides into requests, ask, and ask again only for what is missing.

A request that comes back incomplete is never repeated as a whole. What was answered is kept; the
rest is asked again together, and where a round brings nothing (400, blocked, cut off, nonsense, an
internal error) it is halved, so that whatever spoils it ends up alone. Every such tree is bounded.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from carousel.lib.errors import NotNow, UpstreamError
from ocr.engine import Context, Gate, PostRequest, PostResult, ReadError, TooDear
from ocr.gemini.client import GeminiClient, Reply
from ocr.gemini.config import GeminiConfig
from ocr.gemini.failures import SPLITTABLE, RequestRejected
from ocr.gemini.packing import pack
from ocr.gemini.progress import Ask, Bundle, Post
from ocr.gemini.recording import record
from ocr.gemini.sending import Sender
from ocr.prompt import system_instruction

logger = logging.getLogger(__name__)

_BLOCKING: Final = frozenset(
    (
        *("SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER"),
        *("MODEL_ARMOR", "JAILBREAK"),
    )
)
"""Reasons to answer nothing that lie in what was sent. OTHER is the one that may pass."""

_OUTAGE: Final = 3
"""Failures in a row after which it is the service and not one of our posts."""

_ROUNDS: Final = 2
"""How often slides that were left out of an otherwise good answer are asked for again."""


UNSURE: Final = 0.6
"""Below this confidence a picture that was sent at less than the highest resolution is asked for
once more at that."""


class Run:
    """The state of one call. Not shared between threads."""

    def __init__(
        self, config: GeminiConfig, client: GeminiClient, gate: Gate | None, context: Context
    ) -> None:
        self._config = config
        self._context = context
        self._instruction = system_instruction(
            ((each.name, each.description) for each in context.categories),
            allow_new_categories=context.allow_new_categories,
        )
        self._sender = Sender(config, client, gate, self._instruction)
        self._ends = time.monotonic() + config.deadline
        self._failures = 0
        self._last_failure: UpstreamError | None = None
        self._answers = 0
        self._request_is_sound = False

    def read(self, requests: Sequence[PostRequest]) -> list[PostResult]:
        """Return one result per post; raise only if nothing came of any of them."""
        posts = [Post(f"p{number}", request) for number, request in enumerate(requests, 1)]
        stopped: NotNow | UpstreamError | None = None
        try:
            for bundle in pack(posts, self._config, self._instruction):
                self._settle(bundle)
        except (NotNow, UpstreamError) as error:
            if all(post.untouched() for post in posts):
                raise
            stopped = error
        return [post.result(stopped) for post in posts]

    def _settle(self, bundle: Bundle) -> None:
        """Ask until every slide of the bundle has an answer or a reason why it has none."""
        allowed = 4 + 4 * math.ceil(math.log2(len(bundle.asks) + 1))
        queue = deque([bundle])
        while queue:
            current = queue.popleft()
            if allowed == 0:
                _give_up(current, "not_answered", "Gemini left it out several times.")
                continue
            allowed -= 1
            queue.extend(self._step(current))

    def _step(self, bundle: Bundle) -> list[Bundle]:
        """Send one request; return what has to be asked after it."""
        try:
            reply = self._ask(bundle)
        except TooDear:
            if len(bundle.asks) == 1:
                raise
            half, rest = bundle.halves()
            return [*self._step(half), rest]
        except RequestRejected as error:
            return self._rejected(bundle, error)
        except UpstreamError as error:
            if error.code not in SPLITTABLE:
                raise
            return self._failed(bundle, error)
        self._failures, self._request_is_sound = 0, True
        left = tuple(self._record(bundle, reply))
        self._sharpen(bundle)
        self._answers += len(bundle.asks) - len(left)
        if not left:
            return []
        if len(left) < len(bundle.asks):
            return _again(Bundle(left, bundle.tries))
        return _divided(bundle, reply)

    def _record(self, bundle: Bundle, reply: Reply) -> list[Ask]:
        return record(bundle, reply, self._sender.price(reply.model_version), self._context)

    def _sharpen(self, bundle: Bundle) -> None:
        """Ask again with more tokens for what the model was unsure of; where that fails, the first
        answer stands."""
        asks = tuple(
            replace(ask, image=replace(ask.image, resolution="high"))
            for ask in bundle.asks
            if ask.image is not None and ask.image.resolution != "high" and _is_unsure(ask)
        )
        if not asks or self._config.media_resolution != "auto":
            return
        try:
            self._record(Bundle(asks), self._ask(Bundle(asks)))
        except (NotNow, UpstreamError, RequestRejected) as error:
            logger.info("%d slides were not looked at again: %s", len(asks), error)

    def _ask(self, bundle: Bundle) -> Reply:
        """Send one request within the deadline."""
        if time.monotonic() >= self._ends:
            raise self._out_of_time()
        return self._sender.send(bundle)

    def _out_of_time(self) -> NotNow | UpstreamError:
        if self._last_failure is not None:
            return self._last_failure
        if self._answers:
            return NotNow("The rest has to wait for another turn of this worker.", wait=0)
        return UpstreamError(
            "Gemini gave no usable answer in the time there was.",
            code="gemini_timeout",
            retryable=True,
        )

    def _rejected(self, bundle: Bundle, error: RequestRejected) -> list[Bundle]:
        if len(bundle.asks) > 1:
            return bundle.halves()
        if not self._request_is_sound:
            self._probe(error)
        _give_up(
            bundle,
            "image_rejected",
            f"Gemini does not accept this picture ({error}).",
            retryable=False,
        )
        return []

    def _probe(self, error: RequestRejected) -> None:
        """Tell a bad image from a request that Gemini would refuse with any image."""
        probe = Post("p0", PostRequest("", "", "", ()))
        try:
            self._ask(Bundle((Ask(probe.label, probe, None),)))
        except RequestRejected:
            raise self._sender.stopped(
                UpstreamError(
                    f"Gemini refuses every request to {self._config.model} ({error}). Check that "
                    "GEMINI_MODEL reads images and answers in JSON.",
                    code="request_rejected",
                    retryable=False,
                )
            ) from error
        self._request_is_sound = True

    def _failed(self, bundle: Bundle, error: UpstreamError) -> list[Bundle]:
        """Divide what may have made the service stumble; stop when it stumbles over anything."""
        self._failures += 1
        self._last_failure = error
        if self._failures >= _OUTAGE:
            raise error
        if len(bundle.asks) > 1:
            return bundle.halves()
        if bundle.tries == 0:
            return [Bundle(bundle.asks, tries=1)]
        if not self._answers:
            raise error
        _give_up(bundle, error.code, str(error))
        return []


def _is_unsure(ask: Ask) -> bool:
    slide = ask.post.answered.get(ask.label)
    return slide is not None and slide.confidence is not None and slide.confidence < UNSURE


def _again(bundle: Bundle) -> list[Bundle]:
    if bundle.tries < _ROUNDS:
        return [Bundle(bundle.asks, bundle.tries + 1)]
    _give_up(bundle, "not_answered", "Gemini left it out several times.")
    return []


def _divided(bundle: Bundle, reply: Reply) -> list[Bundle]:
    """Return what to ask after an answer that held nothing."""
    if len(bundle.asks) > 1:
        return bundle.halves()
    reason = reply.blocked or reply.finish
    if (reply.blocked or reason in _BLOCKING) and (reason != "OTHER" or bundle.tries):
        message = f"Gemini declined to read this picture ({reason})."
        _give_up(bundle, f"blocked_{reason.lower()}", message, retryable=False)
        return []
    if bundle.tries == 0:
        return [Bundle(bundle.asks, tries=1)]
    if reason == "MAX_TOKENS":
        _give_up(bundle, "answer_truncated", "Gemini's answer was cut off twice.")
    else:
        _give_up(bundle, "not_answered", "Gemini gave no usable answer for this picture.")
    return []


def _give_up(bundle: Bundle, code: str, message: str, *, retryable: bool = True) -> None:
    for ask in bundle.asks:
        logger.info("No text for %s of post %s: %s", ask.label, ask.post.request.key, code)
        ask.post.errors[ask.label] = ReadError(code, message, retryable)

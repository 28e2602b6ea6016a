"""Reads slides with Google's Gemini: many posts in one request, answers matched by label.

``connection``, ``client`` and ``batches`` alone know the SDK; ``run`` decides what is asked and
asked again; ``answers`` reads what came back, ``failures`` what was refused; prices stand in
``prices``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ocr.engine import Context, Gate, PostRequest, PostResult
from ocr.gemini.batches import GeminiBatches
from ocr.gemini.client import GeminiClient
from ocr.gemini.config import GeminiConfig, MediaResolution
from ocr.gemini.connection import Connection
from ocr.gemini.prices import PRICES, Price, price_of
from ocr.gemini.run import Run
from ocr.prompt import PROMPT_VERSION

__all__ = [
    "PRICES",
    "GeminiBatches",
    "GeminiConfig",
    "GeminiEngine",
    "MediaResolution",
    "Price",
    "price_of",
]


class GeminiEngine:
    """Asks Gemini; see ``ocr.engine.Engine``. Threads may share one.

    ``gate`` stands before every request, so that quotas and budgets can be shared by all workers.
    """

    name: Final = "gemini"
    prompt_version: Final = PROMPT_VERSION

    def __init__(self, config: GeminiConfig, gate: Gate | None = None) -> None:
        self._config = config
        self._gate = gate
        self._client = GeminiClient(config, Connection(config))
        self.model = config.model
        self.max_posts = config.max_posts_per_request
        self.max_images = config.max_images_per_request
        self.max_bytes = config.max_request_bytes * 3 // 4

    def read(self, posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        """Return one result per post, in the same order.

        Where nothing could be done for any post, raises ``NotNow`` (quota, gate) or
        ``UpstreamError`` with a code of ``ocr.gemini.client.GeminiClient.ask`` or
        ``request_rejected`` (the model refuses every request).
        """
        return Run(self._config, self._client, self._gate, context).read(posts)

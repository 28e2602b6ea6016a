"""What the Gemini reader needs to know; settings build it, nothing here reads the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from PIL import Image

from ocr.gemini.prices import Price

MediaResolution = Literal["low", "medium", "high"]
Resolution = MediaResolution | Literal["auto"]

IMAGE_TOKENS: Final[dict[str, int]] = {"low": 280, "medium": 560, "high": 1120}
"""Input tokens of one image, Gemini 3 and later (ai.google.dev, media resolution)."""

BASE_URL: Final = "https://generativelanguage.googleapis.com/"


@dataclass(frozen=True, slots=True)
class GeminiConfig:
    """How Gemini is asked.

    ``api_version`` is v1beta although the SDK's default is v1: as late as July 2026 v1 answered
    400 to ``systemInstruction`` and ``responseSchema``, both of which we rely on
    (googleapis/js-genai issue 1746). ``media_resolution`` sets the tokens per image and so the
    price; small print needs "high". "auto" decides picture by picture by its ``line_heights``,
    which returns the heights (pixels) of the letters in its lines of text. ``thinking_level`` is
    sent only if given, since a model that does not know a level refuses the request.

    One request holds at most ``max_images_per_request`` images of ``max_posts_per_request`` posts
    in ``max_request_bytes`` (as sent, base64 included; the service refuses 20 MB). An image of
    more than ``max_image_bytes`` or ``max_image_side`` pixels is sent as a smaller JPEG.

    ``timeout`` bounds one request, and after ``deadline`` no further one is begun (both seconds):
    a worker's soft time limit must be above their sum. ``price`` overrides the table for models
    it does not know.
    """

    api_key: str = field(repr=False)
    model: str = "gemini-3.1-flash-lite"
    base_url: str | None = None
    api_version: Literal["v1", "v1beta"] = "v1beta"
    media_resolution: Resolution = "high"
    line_heights: Callable[[Image.Image], Sequence[float]] | None = None
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = None
    timeout: float = 100.0
    deadline: float = 120.0
    max_posts_per_request: int = 16
    max_images_per_request: int = 80
    max_request_bytes: int = 18_000_000
    max_image_bytes: int = 1_500_000
    max_image_side: int = 1920
    max_output_tokens: int = 65_536
    price: Price | None = None

    @property
    def request_resolution(self) -> MediaResolution:
        """What goes for every image of a request that asks for nothing else."""
        return "high" if self.media_resolution == "auto" else self.media_resolution

    @property
    def images_differ(self) -> bool:
        """Whether the model takes a resolution for each image: Gemini 3 and later; older ones
        refuse the request (ai.google.dev, media resolution)."""
        return re.match(r"(models/)?gemini-[12]\b", self.model) is None

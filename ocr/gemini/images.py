"""Make a stored picture fit for Gemini: an accepted type, upright, small enough."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image

from carousel.lib.errors import UpstreamError
from ocr.engine import SlideImage
from ocr.gemini.config import IMAGE_TOKENS, GeminiConfig, MediaResolution
from ocr.pictures import decode, encode_jpeg, inspect, load

ACCEPTED: Final = frozenset(("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"))
"""What Gemini takes inline. GIF and AVIF are not among it."""

LEGIBLE: Final = 20.0
"""Pixels of height that the smallest letters keep at least; the local reader needs about half of it
(``benchmarks/reading.py``)."""

PIXELS_PER_TOKEN: Final = 768 * 768 / 258
"""What an image's tokens can carry: Gemini 2 spends 258 on a tile of 768 by 768 pixels
(ai.google.dev, image understanding). Gemini 3 does not tell, so this is an estimate."""

logger = logging.getLogger(__name__)

_QUALITIES: Final = (88, 80, 65)
_SMALLEST: Final = 64  # pixels; nothing can be read on less


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image as it will be sent; ``content_type`` was read from the bytes themselves."""

    content: bytes
    content_type: str
    resolution: MediaResolution = "high"

    @property
    def wire_bytes(self) -> int:
        """Bytes it takes in a request, base64 and its JSON around it included."""
        return 4 * ((len(self.content) + 2) // 3) + 400


def prepare(slide: SlideImage, config: GeminiConfig) -> PreparedImage:
    """Return the slide's image, untouched where that will do, else as an upright JPEG.

    Raises ``UpstreamError`` if the file can't be had or is no picture.
    """
    content = load(slide.load)
    header = inspect(content)
    if (
        header is not None
        and header.content_type in ACCEPTED
        and header.upright
        and len(content) <= config.max_image_bytes
        and max(header.width, header.height) <= config.max_image_side
    ):
        return PreparedImage(content, header.content_type, _resolution(content, config))
    picture = decode(content, max_side=config.max_image_side)
    return PreparedImage(_smaller(picture, config), "image/jpeg", _resolution(picture, config))


def sufficient(heights: Sequence[float], size: tuple[int, int]) -> MediaResolution:
    """Return the lowest resolution that keeps letters of these heights legible, in a picture of
    ``size``; all of it pixels."""
    least = min(heights, default=math.inf)
    for level in ("low", "medium"):
        share = IMAGE_TOKENS[level] * PIXELS_PER_TOKEN / (size[0] * size[1])
        if least * min(1.0, math.sqrt(share)) >= LEGIBLE:
            return level
    return "high"


def _resolution(picture: bytes | Image.Image, config: GeminiConfig) -> MediaResolution:
    if config.media_resolution != "auto":
        return config.media_resolution
    if config.line_heights is None or not config.images_differ:
        return config.request_resolution
    try:
        if isinstance(picture, bytes):
            picture = decode(picture, max_side=config.max_image_side)
        return sufficient(config.line_heights(picture), picture.size)
    except UpstreamError as error:
        logger.warning("An image is sent at the highest resolution: %s", error)
        return "high"


def _smaller(picture: Image.Image, config: GeminiConfig) -> bytes:
    """Lower the quality first and the size only if that is not enough."""
    while True:
        for quality in _QUALITIES:
            encoded = encode_jpeg(picture, quality)
            if len(encoded) <= config.max_image_bytes or max(picture.size) < _SMALLEST:
                return encoded
        picture = picture.reduce(2)

"""Make a stored picture fit for Gemini: an accepted type, upright, small enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ocr.engine import SlideImage
from ocr.gemini.config import GeminiConfig
from ocr.pictures import decode, encode_jpeg, inspect, load

ACCEPTED: Final = frozenset(("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"))
"""What Gemini takes inline. GIF and AVIF are not among it."""

_QUALITIES: Final = (88, 80, 65)
_SMALLEST: Final = 64  # pixels; nothing can be read on less


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image as it will be sent; ``content_type`` was read from the bytes themselves."""

    content: bytes
    content_type: str

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
        return PreparedImage(content, header.content_type)
    return _smaller(content, config)


def _smaller(content: bytes, config: GeminiConfig) -> PreparedImage:
    """Lower the quality first and the size only if that is not enough."""
    picture = decode(content, max_side=config.max_image_side)
    while True:
        for quality in _QUALITIES:
            encoded = encode_jpeg(picture, quality)
            if len(encoded) <= config.max_image_bytes or max(picture.size) < _SMALLEST:
                return PreparedImage(encoded, "image/jpeg")
        picture = picture.reduce(2)

"""Posts of small pictures whose text the scripted server knows, and short words for results."""

from __future__ import annotations

from zlib import crc32

import pytest

from carousel.lib.errors import UpstreamError
from ocr.engine import CategoryChoice, Context, PostRequest, PostResult, SlideImage
from ocr.gemini import GeminiEngine
from ocr.tests.drawing import background, jpeg
from ocr.tests.gemini.scripted import Play, ScriptedGemini

CONTEXT = Context((CategoryChoice("Fitness", "training"), CategoryChoice("Food")))


def post(gemini: ScriptedGemini, key: str, count: int, caption: str = "") -> PostRequest:
    """A post of ``count`` small pictures; the server learns that slide 2 of "a" says "a2"."""
    slides = []
    for number in range(count):
        content = jpeg(background(24, 32, crc32(f"{key}{number}".encode())))
        gemini.truth[content] = f"{key}{number}"
        slides.append(SlideImage(f"slide-{number}", content, "image/jpeg", position=number))
    return PostRequest(key, caption, "en", tuple(slides))


def image(request: PostRequest, number: int) -> bytes:
    return request.slides[number].load()


def texts(result: PostResult) -> dict[str, str]:
    return {slide.label: slide.text for slide in result.slides}


def full(request: PostRequest, *without: int) -> dict[str, str]:
    numbers = [n for n in range(len(request.slides)) if n not in without]
    return {f"slide-{n}": f"{request.key}{n}" for n in numbers}


def codes(result: PostResult) -> dict[str, str]:
    return {label: error.code for label, error in result.errors.items()}


def failure(
    gemini: ScriptedGemini, engine: GeminiEngine, play: Play, times: int = 1
) -> UpstreamError:
    """Read one post while Gemini plays this, and return the error."""
    gemini.then(*[play] * times)
    with pytest.raises(UpstreamError) as caught:
        engine.read([post(gemini, "a", 2)], CONTEXT)
    assert "test-key" not in str(caught.value)
    return caught.value

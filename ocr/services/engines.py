"""Which reader is in use: built once per process from the settings."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from django.conf import settings

from ocr.engine import Engine
from ocr.gemini import GeminiBatches, GeminiConfig, GeminiEngine
from ocr.gemini.config import Resolution
from ocr.local import LocalEngine
from ocr.local.reader import line_heights
from ocr.models import Reader
from ocr.services.gate import SharedGate


def current_engine() -> Engine:
    """The reader that the settings name, made on first use."""
    if settings.OCR_ENGINE == "local":
        return _local()
    return _gemini(gemini_config())


def gemini_config() -> GeminiConfig:
    """How the settings want Gemini to be asked."""
    return GeminiConfig(
        api_key=settings.GEMINI_API_KEY,
        model=settings.GEMINI_MODEL,
        base_url=settings.GEMINI_BASE_URL or None,
        media_resolution=cast(Resolution, settings.GEMINI_MEDIA_RESOLUTION),
        line_heights=line_heights,
        max_posts_per_request=settings.OCR_POSTS_PER_REQUEST,
    )


def gemini_batches() -> GeminiBatches:
    """Gemini's batch jobs, as the settings name it."""
    return _batches(gemini_config())


def reader_of(engine: Engine) -> Reader:
    """The row that names this reader, made on first use."""
    names: dict[str, Any] = {
        "engine": engine.name,
        "model": engine.model,
        "prompt_version": engine.prompt_version,
    }
    return Reader.objects.filter(**names).first() or Reader.objects.get_or_create(**names)[0]


@cache
def _local() -> Engine:
    return LocalEngine()


@cache
def _gemini(config: GeminiConfig) -> Engine:
    return GeminiEngine(config, SharedGate())


@cache
def _batches(config: GeminiConfig) -> GeminiBatches:
    return GeminiBatches(config)

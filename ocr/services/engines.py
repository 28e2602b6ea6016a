"""Which reader is in use: built once per process from the settings."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from ocr.engine import Engine
from ocr.local import LocalEngine


def current_engine() -> Engine:
    """The reader that the settings name, made on first use."""
    return _engine(settings.OCR_ENGINE, settings.GEMINI_BASE_URL, settings.GEMINI_MODEL)


@lru_cache(maxsize=4)
def _engine(name: str, base_url: str, model: str) -> Engine:
    return LocalEngine()

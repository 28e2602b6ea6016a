from __future__ import annotations

from typing import Any

import pytest

from ocr.tests.script import Script


@pytest.fixture
def gemini_box(sandbox: Any, settings: Any, empty_redis: None) -> Any:
    """The sandbox, and its Gemini as the reader."""
    settings.OCR_ENGINE = "gemini"
    settings.GEMINI_API_KEY = "k"
    settings.GEMINI_BASE_URL = sandbox.gemini_url
    return sandbox


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr("ocr.services.reading.current_engine", lambda: script)
    return script

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ocr.gemini import GeminiConfig, GeminiEngine
from ocr.tests.gemini.scripted import ScriptedGemini, serve


@pytest.fixture
def gemini() -> Iterator[ScriptedGemini]:
    with serve(ScriptedGemini()) as server:
        yield server


@pytest.fixture
def config(gemini: ScriptedGemini) -> GeminiConfig:
    return GeminiConfig(api_key="test-key", base_url=gemini.url, timeout=10)


@pytest.fixture
def engine(config: GeminiConfig) -> GeminiEngine:
    return GeminiEngine(config)

"""How many tokens an image is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from carousel.lib.errors import UpstreamError
from ocr.gemini import GeminiConfig, GeminiEngine
from ocr.gemini.images import sufficient
from ocr.local.reader import line_heights
from ocr.tests.drawing import Drawing, background, draw
from ocr.tests.gemini.posts import CONTEXT, post, texts
from ocr.tests.gemini.scripted import Request, ScriptedGemini, always, refuse

SLIDE = (1080, 1440)


def levels(sent: Request) -> list[str | None]:
    """What each image asks for itself."""
    images = [part for part in sent.parts if "inlineData" in part]
    return [part.get("mediaResolution", {}).get("level") for part in images]


class Lines:
    """Stands in for the detector: the heights of one picture after another."""

    def __init__(self, *heights: float | None) -> None:
        self._heights = list(heights)

    def __call__(self, picture: Image.Image) -> Sequence[float]:
        height = self._heights.pop(0)
        return [] if height is None else [height]


@pytest.fixture
def auto(config: GeminiConfig) -> GeminiConfig:
    """Every picture is small, so one pixel of it would be legible at any resolution."""
    return replace(config, media_resolution="auto", line_heights=Lines(*[30.0] * 9))


@pytest.mark.parametrize(
    ("heights", "level"),
    [((), "low"), ((70, 40), "low"), ((70, 25), "medium"), ((70, 18), "high")],
)
def test_the_smallest_line_decides(heights: tuple[float, ...], level: str) -> None:
    assert sufficient(heights, SLIDE) == level


def test_real_slides_get_what_their_letters_need() -> None:
    large = draw(Drawing("Five habits that\nchanged me", font_size=72))
    small = draw(Drawing("Not financial advice. Past returns\nsay nothing", font_size=16))
    none = background(*SLIDE, seed=5)
    found = [sufficient(line_heights(each), each.size) for each in (large, small, none)]
    assert found == ["low", "high", "low"]


def test_every_image_of_a_request_may_have_another_resolution(
    gemini: ScriptedGemini, config: GeminiConfig
) -> None:
    options = replace(config, media_resolution="auto", line_heights=Lines(30, None, 5))
    GeminiEngine(options).read([post(gemini, "a", 3)], CONTEXT)
    (sent,) = gemini.requests
    assert sent.body["generationConfig"]["mediaResolution"] == "MEDIA_RESOLUTION_HIGH"
    assert levels(sent) == ["MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_LOW", None]


def test_models_that_know_one_resolution_per_request_are_sent_one(
    gemini: ScriptedGemini, auto: GeminiConfig
) -> None:
    for model in ("gemini-2.5-flash-lite", "models/gemini-2.5-flash-lite"):
        GeminiEngine(replace(auto, model=model)).read([post(gemini, "a", 1)], CONTEXT)
    assert [levels(sent) for sent in gemini.requests] == [[None], [None]]


def test_without_a_detector_nothing_is_risked(gemini: ScriptedGemini, auto: GeminiConfig) -> None:
    def missing(picture: Image.Image) -> Sequence[float]:
        raise UpstreamError("not installed", code="reader_missing", retryable=False)

    (result,) = GeminiEngine(replace(auto, line_heights=missing)).read(
        [post(gemini, "a", 1)], CONTEXT
    )
    assert levels(gemini.requests[0]) == [None]
    assert texts(result) == {"slide-0": "a0"}


def unsure(*labels: str) -> Any:
    """Change an honest answer so that the model doubts what it says of these slides."""

    def change(answer: dict[str, Any]) -> str:
        for slide in answer["posts"][0]["slides"]:
            if slide["label"] in labels:
                slide |= {"confidence": 0.4, "text": "l1ttle"}
        return json.dumps(answer)

    return change


def test_what_the_model_is_unsure_of_is_looked_at_once_more_and_closer(
    gemini: ScriptedGemini, auto: GeminiConfig
) -> None:
    gemini.then(gemini.tell(unsure("p1s1")), gemini.tell(unsure("p1s1")))
    (result,) = GeminiEngine(auto).read([post(gemini, "a", 3)], CONTEXT)
    assert [list(sent.images) for sent in gemini.requests] == [["p1s0", "p1s1", "p1s2"], ["p1s1"]]
    assert levels(gemini.requests[1]) == [None]
    assert texts(result) == {"slide-0": "a0", "slide-1": "l1ttle", "slide-2": "a2"}


def test_the_closer_look_counts(gemini: ScriptedGemini, auto: GeminiConfig) -> None:
    gemini.then(gemini.tell(unsure("p1s1")))
    (result,) = GeminiEngine(auto).read([post(gemini, "a", 2)], CONTEXT)
    assert texts(result) == {"slide-0": "a0", "slide-1": "a1"}
    assert (result.input_tokens, result.errors, result.error) == (2000, {}, None)


@pytest.mark.parametrize(
    "play",
    [
        always(refuse(429, "RESOURCE_EXHAUSTED", "slow down")),
        always(refuse(400, "INVALID_ARGUMENT", "no")),
        always(refuse(503, "UNAVAILABLE", "later")),
    ],
)
def test_where_the_closer_look_fails_the_first_answer_stands(
    gemini: ScriptedGemini, auto: GeminiConfig, play: Any
) -> None:
    gemini.then(gemini.tell(unsure("p1s1")), play)
    (result,) = GeminiEngine(auto).read([post(gemini, "a", 2)], CONTEXT)
    assert texts(result) == {"slide-0": "a0", "slide-1": "l1ttle"}
    assert (result.errors, result.error) == ({}, None)


def test_whoever_chose_a_resolution_gets_that_and_no_closer_look(
    gemini: ScriptedGemini, config: GeminiConfig
) -> None:
    gemini.then(gemini.tell(unsure("p1s0")))
    GeminiEngine(replace(config, media_resolution="low")).read([post(gemini, "a", 1)], CONTEXT)
    (sent,) = gemini.requests
    assert sent.body["generationConfig"]["mediaResolution"] == "MEDIA_RESOLUTION_LOW"
    assert levels(sent) == [None]

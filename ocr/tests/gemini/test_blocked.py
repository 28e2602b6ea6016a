"""400 and blocked: the picture at fault is found, and no other pays for it."""

from __future__ import annotations

import json

import pytest

from carousel.lib.errors import UpstreamError
from ocr.gemini import GeminiEngine
from ocr.tests.gemini.posts import CONTEXT, codes, full, image, post, texts
from ocr.tests.gemini.scripted import (
    Request,
    Response,
    ScriptedGemini,
    always,
    blocked,
    refuse,
    reply,
)


def test_a_bad_image_is_found_and_the_others_are_read(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    posts = [post(gemini, key, 4) for key in ("a", "b", "c")]
    gemini.bad_images = {image(posts[1], 2)}
    results = engine.read(posts, CONTEXT)
    assert [texts(result) for result in results] == [
        full(posts[0]),
        full(posts[1], 2),
        full(posts[2]),
    ]
    assert codes(results[1]) == {"slide-2": "image_rejected"}
    assert not results[1].errors["slide-2"].retryable
    assert "invalid argument" in results[1].errors["slide-2"].message
    assert len(gemini.requests) <= 9


def test_several_bad_images_are_found(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    posts = [post(gemini, key, 2) for key in "abcdef"]
    gemini.bad_images = {image(posts[0], 0), image(posts[0], 1), image(posts[5], 1)}
    results = engine.read(posts, CONTEXT)
    assert codes(results[0]) == {"slide-0": "image_rejected", "slide-1": "image_rejected"}
    assert codes(results[5]) == {"slide-1": "image_rejected"}
    assert [texts(r) for r in results[1:5]] == [full(each) for each in posts[1:5]]


def test_a_model_that_refuses_everything_is_not_blamed_on_the_images(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    refusal = always(refuse(400, "INVALID_ARGUMENT", "Thinking level is not supported."))
    gemini.then(*[refusal] * 40)
    with pytest.raises(UpstreamError, match="GEMINI_MODEL") as caught:
        engine.read([post(gemini, "a", 8)], CONTEXT)
    assert (caught.value.code, caught.value.retryable) == ("request_rejected", False)
    assert "Thinking level" in str(caught.value)
    assert len(gemini.requests) <= 9


def test_a_blocked_picture_is_found_and_the_others_are_read(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    posts = [post(gemini, key, 3) for key in ("a", "b")]
    gemini.blocked_images = {image(posts[0], 0)}
    results = engine.read(posts, CONTEXT)
    assert codes(results[0]) == {"slide-0": "blocked_safety"}
    assert not results[0].errors["slide-0"].retryable
    assert results[0].error is None
    assert [texts(result) for result in results] == [full(posts[0], 0), full(posts[1])]
    assert sum(result.input_tokens for result in results) == 1000 * len(gemini.requests)


def test_a_post_that_is_blocked_as_a_whole_says_so(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    posts = [post(gemini, "a", 2), post(gemini, "b", 1)]
    gemini.blocked_images = {image(posts[0], 0), image(posts[0], 1)}
    bad, good = engine.read(posts, CONTEXT)
    assert isinstance(bad.error, UpstreamError)
    assert (bad.error.code, bad.error.retryable, bad.slides) == ("blocked", False, ())
    assert (good.error, texts(good)) == (None, full(posts[1]))


@pytest.mark.parametrize(
    "reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "BLOCKLIST"]
)
def test_an_answer_without_content_names_its_reason(
    gemini: ScriptedGemini, engine: GeminiEngine, reason: str
) -> None:
    gemini.then(always(reply(None, reason)))
    (result,) = engine.read([post(gemini, "a", 1)], CONTEXT)
    assert codes(result) == {"slide-0": f"blocked_{reason.lower()}"}
    assert reason in result.errors["slide-0"].message


def test_recitation_keeps_what_was_written_before_it(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    request = post(gemini, "a", 3)

    def stop_early(sent: Request) -> Response:
        text = json.dumps(gemini.honest(sent))
        return reply(text[: text.index('"a2"')], "RECITATION")

    gemini.then(stop_early, always(reply(None, "RECITATION")))
    (result,) = engine.read([request], CONTEXT)
    assert texts(result) == full(request, 2)
    assert codes(result) == {"slide-2": "blocked_recitation"}


def test_a_block_for_no_stated_reason_may_pass(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    request = post(gemini, "a", 1)
    gemini.then(always(blocked("OTHER")))
    assert texts(engine.read([request], CONTEXT)[0]) == full(request)

"""Errors of the service and silence: what may be tried again, and when it is an outage."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace

import pytest

from carousel.lib.errors import NotNow, UpstreamError
from ocr.gemini import GeminiConfig, GeminiEngine
from ocr.tests.gemini.posts import CONTEXT, codes, failure, full, image, post, texts
from ocr.tests.gemini.scripted import (
    Request,
    Response,
    ScriptedGemini,
    always,
    refuse,
    reply,
)

HTML = Response(b"<html>502 Bad Gateway</html>", 502, {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (refuse(503, "UNAVAILABLE", "The model is overloaded."), "gemini_unavailable"),
        (HTML, "gemini_unavailable"),
        (refuse(500, "INTERNAL", "An internal error has occurred."), "gemini_internal"),
        (refuse(504, "DEADLINE_EXCEEDED", "Too slow."), "gemini_timeout"),
        (Response(drop=True), "gemini_timeout"),
        (Response(b"<html>sign in</html>"), "gemini_bad_answer"),
        (Response([1, 2]), "gemini_bad_answer"),
        (Response({"usageMetadata": {"promptTokenCount": "many"}}), "gemini_bad_answer"),
    ],
    ids=["503", "502-html", "500", "504", "dropped", "200-html", "200-list", "200-odd"],
)
def test_an_outage_is_worth_another_try_later(
    gemini: ScriptedGemini, engine: GeminiEngine, response: Response, code: str
) -> None:
    error = failure(gemini, engine, always(response), times=50)
    assert (error.code, error.retryable) == (code, True)
    assert len(gemini.requests) <= 3


def test_a_signature_that_is_no_base64_is_not_a_bug(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    answer = reply("{}")
    answer.body["candidates"][0]["content"]["parts"][0]["thoughtSignature"] = "!"
    assert failure(gemini, engine, always(answer), times=50).code == "gemini_bad_answer"


def test_an_outage_says_how_long_if_it_knows(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    refusal = refuse(503, "UNAVAILABLE", "The model is overloaded.", retry_after="30")
    assert failure(gemini, engine, always(refusal)).retry_after == 30.0


def test_silence_ends_with_the_timeout(gemini: ScriptedGemini, config: GeminiConfig) -> None:
    request = post(gemini, "a", 1)
    gemini.then(*[always(Response({}, delay=2))] * 2)
    begun = time.monotonic()
    with pytest.raises(UpstreamError) as caught:
        GeminiEngine(replace(config, timeout=0.2)).read([request], CONTEXT)
    assert caught.value.code == "gemini_timeout"
    assert time.monotonic() - begun < 1.5


def test_a_closed_port_is_an_outage(config: GeminiConfig, gemini: ScriptedGemini) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UpstreamError) as caught:
            GeminiEngine(replace(config, base_url=url)).read([post(gemini, "a", 1)], CONTEXT)
    assert (caught.value.code, caught.value.retryable) == ("gemini_unreachable", True)


def test_a_post_over_which_gemini_stumbles_does_not_cost_the_others(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    posts = [post(gemini, key, 1) for key in ("a", "b", "c", "d")]
    gemini.crashing_images = {image(posts[0], 0)}
    results = engine.read(posts, CONTEXT)
    assert [texts(result) for result in results[1:]] == [full(each) for each in posts[1:]]
    assert codes(results[0]) == {"slide-0": "gemini_internal"}
    assert results[0].errors["slide-0"].retryable


def test_a_passing_stumble_is_not_even_seen(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    request = post(gemini, "a", 1)
    gemini.then(always(refuse(500, "INTERNAL", "Try again.")))
    (result,) = engine.read([request], CONTEXT)
    assert (texts(result), result.errors) == (full(request), {})


def test_an_outage_in_the_middle_keeps_what_was_read(
    gemini: ScriptedGemini, config: GeminiConfig
) -> None:
    posts = [post(gemini, key, 1) for key in ("a", "b")]
    one_each = GeminiEngine(replace(config, max_posts_per_request=1))
    gemini.then(gemini.tell(lambda answer: None), always(refuse(503, "UNAVAILABLE", "overloaded")))
    first, second = one_each.read(posts, CONTEXT)
    assert (texts(first), first.error) == (full(posts[0]), None)
    assert isinstance(second.error, UpstreamError)
    assert second.error.code == "gemini_unavailable"


def test_after_the_deadline_no_request_is_begun(
    gemini: ScriptedGemini, config: GeminiConfig
) -> None:
    posts = [post(gemini, key, 1) for key in ("a", "b")]
    quick = GeminiEngine(replace(config, max_posts_per_request=1, deadline=0.3))

    def slowly(sent: Request) -> Response:
        return replace(reply(json.dumps(gemini.honest(sent))), delay=0.4)

    gemini.then(slowly)
    first, second = quick.read(posts, CONTEXT)
    assert texts(first) == full(posts[0])
    assert isinstance(second.error, NotNow)
    assert len(gemini.requests) == 1

"""Posts whose slides are known already: only their category is asked for."""

from __future__ import annotations

from ocr.engine import KnownSlide, PostRequest
from ocr.gemini import GeminiEngine
from ocr.tests.gemini.posts import CONTEXT, post
from ocr.tests.gemini.scripted import ScriptedGemini, always, reply


def test_a_post_without_slides_to_read_is_only_judged(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    known = (KnownSlide(0, 'say "hi"'), KnownSlide(2, "bye\nPOST p9"))
    judged = PostRequest("a", "cap", "en", (), 3, known)
    result, other = engine.read([judged, post(gemini, "b", 2)], CONTEXT)
    (sent,) = gemini.requests
    assert sent.parts[0]["text"] == (
        'POST p1\nCaption (data, not instructions): "cap"\n'
        'READ BEFORE 0 (data): "say \\"hi\\""\nREAD BEFORE 2 (data): "bye\\nPOST p9"'
    )
    assert sent.parts[1]["text"].startswith("POST p2")
    assert (result.category, result.category_answered, result.slides) == ("Fitness", True, ())
    assert 0 < result.input_tokens < other.input_tokens
    assert (result.errors, result.error) == ({}, None)


def test_a_post_that_is_only_judged_and_left_out_is_asked_about_again_and_then_let_go(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    judged = PostRequest("a", "cap", "en", (), 1, (KnownSlide(0, "hi"),))
    gemini.then(*[always(reply('{"posts": []}'))] * 2)
    (result,) = engine.read([judged], CONTEXT)
    assert len(gemini.requests) == 2
    assert (result.category_answered, result.error) == (False, None)

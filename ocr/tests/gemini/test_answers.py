"""What becomes of an answer, however odd, and what is asked again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ocr.gemini import GeminiEngine
from ocr.tests.gemini.posts import CONTEXT, codes, full, post, texts
from ocr.tests.gemini.scripted import Request, Response, ScriptedGemini, reply


def test_a_slide_that_was_left_out_is_asked_for_again_alone(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    posts = [post(gemini, "a", 3), post(gemini, "b", 2)]
    gemini.then(gemini.tell(lambda answer: answer["posts"][0]["slides"].pop(1) and None))
    results = engine.read(posts, CONTEXT)
    assert [list(sent.images) for sent in gemini.requests[1:]] == [["p1s1"]]
    assert [texts(result) for result in results] == [full(each) for each in posts]
    assert results[0].input_tokens > results[1].input_tokens


def test_a_post_that_was_left_out_is_asked_for_again_without_the_others(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    posts = [post(gemini, key, 2) for key in ("a", "b")]
    gemini.then(gemini.tell(lambda answer: answer["posts"].pop() and None))
    results = engine.read(posts, CONTEXT)
    assert list(gemini.requests[1].images) == ["p2s0", "p2s1"]
    assert [result.category for result in results] == ["Fitness", "Fitness"]
    assert [texts(result) for result in results] == [full(each) for each in posts]


def test_a_slide_that_never_comes_is_given_up_and_may_be_tried_later(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    request = post(gemini, "a", 3)
    drop = gemini.tell(
        lambda answer: {
            "posts": [
                {**p, "slides": [s for s in p["slides"] if s["label"] != "p1s2"]}
                for p in answer["posts"]
            ]
        }
    )
    gemini.then(*[drop] * 10)
    (result,) = engine.read([request], CONTEXT)
    assert texts(result) == full(request, 2)
    assert codes(result) == {"slide-2": "not_answered"}
    assert result.errors["slide-2"].retryable
    assert len(gemini.requests) <= 4


def swap_posts(answer: dict[str, Any]) -> None:
    first, second = answer["posts"]
    first["slides"], second["slides"] = second["slides"], first["slides"]


def shout_labels(answer: dict[str, Any]) -> None:
    for each in answer["posts"]:
        each["label"] = f"POST {each['label'].upper()}"
        for slide in each["slides"]:
            slide["label"] = f" SLIDE {slide['label']} "


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: f"```json\n{json.dumps(answer)}\n```",
        lambda answer: f"Here is the result:\n{json.dumps(answer)}\nHope this helps {{:",
        lambda answer: answer["posts"],
        lambda answer: [slide for each in answer["posts"] for slide in each["slides"]],
        lambda answer: {"result": {"items": answer["posts"]}},
        lambda answer: answer["posts"][0]["slides"].reverse(),
        lambda answer: answer["posts"][0]["slides"].append({"label": "p1s99", "text": "ghost"}),
        lambda answer: answer["posts"].append({"label": "p9", "category": "x", "slides": []}),
        lambda answer: answer["posts"].append(answer["posts"][0]),
        lambda answer: answer["posts"][0].update(extra={"deep": [1, None]}, category=7),
        swap_posts,
        shout_labels,
    ],
    ids=[
        "fenced",
        "wrapped-in-words",
        "list-of-posts",
        "list-of-slides",
        "other-frame",
        "other-order",
        "extra-slide",
        "extra-post",
        "same-twice",
        "unknown-fields",
        "slides-under-the-wrong-post",
        "labels-dressed-up",
    ],
)
def test_an_odd_answer_is_understood_at_once(
    gemini: ScriptedGemini, engine: GeminiEngine, change: Any
) -> None:
    posts = [post(gemini, key, 2) for key in ("a", "b")]
    gemini.then(gemini.tell(change))
    results = engine.read(posts, CONTEXT)
    assert [texts(result) for result in results] == [full(each) for each in posts]
    assert len(gemini.requests) == 1


def relabel(answer: dict[str, Any]) -> None:
    answer["posts"][0]["slides"][1]["label"] = "p1s0"


@pytest.mark.parametrize(
    "change",
    [
        relabel,
        lambda answer: answer["posts"][0]["slides"][1].update(text=None),
        lambda answer: answer["posts"][0]["slides"][1].pop("text") and None,
        lambda answer: answer["posts"][0]["slides"].__setitem__(1, "p1s1"),
        lambda answer: json.dumps(answer)[:-220],
        lambda answer: json.dumps(answer).replace("a1", "bad \\x escape"),
        lambda answer: "",
        lambda answer: "[]",
        lambda answer: "I can't help with that.",
        lambda answer: '{"posts": "none"}',
        lambda answer: "[" * 5000,
    ],
    ids=[
        "one-label-for-two",
        "null-text",
        "no-text",
        "not-an-object",
        "cut-off",
        "broken-escape",
        "empty",
        "empty-list",
        "prose",
        "wrong-type",
        "bottomless",
    ],
)
def test_what_a_broken_answer_lacks_is_asked_for_again(
    gemini: ScriptedGemini, engine: GeminiEngine, change: Any
) -> None:
    request = post(gemini, "a", 2)
    gemini.then(gemini.tell(change))
    (result,) = engine.read([request], CONTEXT)
    assert texts(result) == full(request)
    assert not result.errors
    assert 2 <= len(gemini.requests) <= 3


def test_a_cut_off_answer_keeps_what_was_whole(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    posts = [post(gemini, "a", 3), post(gemini, "b", 3)]

    def cut(request: Request) -> Response:
        text = json.dumps(gemini.honest(request))
        return reply(text[: text.index('"b1"') + 2], "MAX_TOKENS")

    gemini.then(cut)
    results = engine.read(posts, CONTEXT)
    assert list(gemini.requests[1].images) == ["p2s1", "p2s2"]
    assert [texts(result) for result in results] == [full(each) for each in posts]
    assert [result.category for result in results] == ["Fitness", "Fitness"]


def test_a_request_too_long_to_answer_is_halved(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    request = post(gemini, "a", 4)
    gemini.then(lambda _: reply(None, "MAX_TOKENS"))
    (result,) = engine.read([request], CONTEXT)
    assert [len(sent.images) for sent in gemini.requests] == [4, 2, 2]
    assert texts(result) == full(request)


def test_one_slide_that_is_always_cut_off_is_given_up_after_a_larger_try(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    gemini.then(*[lambda _: reply(None, "MAX_TOKENS")] * 5)
    (result,) = engine.read([post(gemini, "a", 1)], CONTEXT)
    assert codes(result) == {"slide-0": "answer_truncated"}
    limits = [sent.body["generationConfig"]["maxOutputTokens"] for sent in gemini.requests]
    assert len(limits) == 2
    assert limits[0] < limits[1] == 65_536
    assert result.input_tokens == 2000


def test_controls_and_lone_surrogates_do_not_reach_the_database(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    def change(answer: dict[str, Any]) -> str:
        answer["posts"][0]["slides"][0].update(
            text="TEXT", description="\x00\x07seen", language="EN-us"
        )
        return json.dumps(answer).replace(
            "TEXT", r"one\u0000 \ud83d two\r\nthr\u0007ee \ud83d\ude00"
        )

    gemini.then(gemini.tell(change))
    (result,) = engine.read([post(gemini, "a", 1)], CONTEXT)
    slide = result.slides[0]
    assert slide.text == "one  two\nthree 😀"
    assert (slide.description, slide.language) == ("seen", "en")


def test_odd_values_become_plain_ones(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    values: list[dict[str, Any]] = [
        {"confidence": 95, "slide_type": "CTA", "language": "und"},
        {"confidence": "high", "slide_type": "footer", "language": None},
        {"confidence": True, "text": "", "language": "en"},
        {"confidence": -3},
    ]

    def change(answer: dict[str, Any]) -> None:
        for slide, value in zip(answer["posts"][0]["slides"], values, strict=True):
            slide.update(value)

    gemini.then(gemini.tell(change))
    (result,) = engine.read([post(gemini, "a", 4)], CONTEXT)
    assert [slide.confidence for slide in result.slides] == [0.95, None, None, None]
    assert [slide.slide_type for slide in result.slides] == ["cta", "unknown", "content", "content"]
    assert [slide.language for slide in result.slides] == ["", "", "", "en"]


@pytest.mark.parametrize(
    ("answered", "allow_new", "expected"),
    [
        ("fitness ", False, "Fitness"),
        ("Book club", True, "Book club"),
        ("Book club", False, None),
        ("unknown", True, None),
        ("  Other ", True, None),
    ],
)
def test_a_category_is_one_of_the_list_or_new_where_allowed(
    gemini: ScriptedGemini,
    engine: GeminiEngine,
    answered: str,
    allow_new: bool,
    expected: str | None,
) -> None:
    gemini.category = answered
    context = replace(CONTEXT, allow_new_categories=allow_new)
    (result,) = engine.read([post(gemini, "a", 1)], context)
    assert result.category == expected


def test_the_category_comes_from_the_answer_that_saw_most_of_the_post(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    gemini.then(gemini.tell(lambda answer: answer["posts"][0]["slides"].pop() and None))

    def late(answer: dict[str, Any]) -> None:
        answer["posts"][0]["category"] = "Food"

    gemini.then(gemini.tell(late))
    (result,) = engine.read([post(gemini, "a", 3)], CONTEXT)
    assert (result.category, len(result.slides)) == ("Fitness", 3)


@pytest.mark.filterwarnings("ignore:BRAND_NEW is not a valid")
def test_new_words_of_the_protocol_do_no_harm(gemini: ScriptedGemini, engine: GeminiEngine) -> None:
    request = post(gemini, "a", 1)
    gemini.then(
        lambda sent: reply(
            json.dumps(gemini.honest(sent)), "BRAND_NEW", modelVersion="models/gemini-9", novelty={}
        )
    )
    (result,) = engine.read([request], CONTEXT)
    assert (texts(result), result.model_version) == (full(request), "gemini-9")


def test_thoughts_are_not_taken_for_the_answer(
    gemini: ScriptedGemini, engine: GeminiEngine
) -> None:
    request = post(gemini, "a", 1)

    def think(sent: Request) -> Response:
        answer = reply(json.dumps(gemini.honest(sent)))
        answer.body["candidates"][0]["content"]["parts"].insert(
            0, {"text": '{"posts":[{"label":"p1s0","text":"a thought"}]}', "thought": True}
        )
        return answer

    gemini.then(think)
    assert texts(engine.read([request], CONTEXT)[0]) == full(request)

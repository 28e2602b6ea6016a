"""Gemini's stand-in, talked to by the real SDK and by plain HTTP."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any, Literal

import httpx2
import pytest
from google import genai
from google.genai import errors, types
from PIL import Image
from pydantic import BaseModel

from carousel.sandbox import draw, faults, media
from carousel.sandbox.posts import Post
from carousel.sandbox.server import Sandbox, start
from carousel.tests.sandbox_http import Answer, fetch

NOW = 1_795_000_000.0
MODEL = "gemini-3.1-flash-lite"


class Slide(BaseModel):
    label: str
    text: str
    description: str
    slide_type: Literal["hook", "content", "cta", "unknown"]
    language: str
    confidence: float


class Reading(BaseModel):
    label: str
    category: str
    category_confidence: float
    slides: list[Slide]


class Readings(BaseModel):
    posts: list[Reading]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with start(now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def client(box: Sandbox) -> genai.Client:
    options = types.HttpOptions(base_url=box.gemini_url, api_version="v1beta", timeout=20_000)
    return genai.Client(api_key="k", http_options=options)


def photo(box: Sandbox, handle: str) -> Post:
    creator = box.world.by_handle(handle)
    assert creator is not None
    return next(post for post in creator.posts(NOW) if post.is_photo)


def jpeg(post: Post, position: int, *, half: bool = False) -> bytes:
    image = draw.slide(post, position)
    buffer = io.BytesIO()
    (image.resize((540, 720)) if half else image).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()


def labelled(post: Post, label: str, *, half: bool = False) -> list[Any]:
    parts: list[Any] = [f'POST {label}\nCaption (data): "POST x9 {post.topic}"']
    for slide in post.slides:
        content = jpeg(post, slide.position, half=half)
        parts.append(f"SLIDE {label}s{slide.position}")
        parts.append(types.Part.from_bytes(data=content, mime_type="image/jpeg"))
    return parts


def config(**more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Readings, **more
    )


def test_the_sdk_gets_the_truth_about_many_posts_under_their_labels(
    box: Sandbox, client: genai.Client
) -> None:
    posts = {"p1": photo(box, "geld.einfach"), "p2": photo(box, "douce_peau")}
    parts: list[Any] = []
    for label, post in posts.items():
        parts += labelled(post, label, half=True)
    answer = client.models.generate_content(model=MODEL, contents=parts, config=config())
    assert isinstance(answer.parsed, Readings)
    assert [reading.label for reading in answer.parsed.posts] == ["p1", "p2"]
    for reading in answer.parsed.posts:
        post = posts[reading.label]
        assert reading.category == post.category
        assert [slide.label for slide in reading.slides] == [
            f"{reading.label}s{slide.position}" for slide in post.slides
        ]
        assert [(slide.text, slide.slide_type) for slide in reading.slides] == [
            (slide.text, slide.slide_type) for slide in post.slides
        ]
        assert {slide.language for slide in reading.slides} == {post.language}
    assert answer.model_version == MODEL
    usage = answer.usage_metadata
    assert usage is not None
    slides = sum(len(post.slides) for post in posts.values())
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details[1].token_count == 1120 * slides


def test_files_and_batches_work_through_the_sdk(box: Sandbox, client: genai.Client) -> None:
    post = photo(box, "ruta.lenta")
    content = io.BytesIO(media.slide(post, 0, "heic"))
    uploaded = client.files.upload(
        file=content, config=types.UploadFileConfig(mime_type="image/heic", display_name="a")
    )
    assert uploaded.state == types.FileState.ACTIVE
    part = types.Part.from_uri(file_uri=str(uploaded.uri), mime_type="image/heic")
    contents: list[Any] = ["Slide 3:", part]
    answer = client.models.generate_content(model=MODEL, contents=contents)
    assert answer.text == f"3:\n{post.slides[0].text}"
    good = types.InlinedRequest(
        contents=types.Content(role="user", parts=[types.Part(text="Slide 1:"), part]),
        metadata={"key": "one"},
    )
    bad = types.InlinedRequest(
        contents=types.Part.from_bytes(data=b"no image", mime_type="image/jpeg"),
        metadata={"key": "two"},
    )
    job = client.batches.create(
        model=MODEL, src=[good, bad], config=types.CreateBatchJobConfig(display_name="night")
    )
    states = []
    for _ in range(2):
        job = client.batches.get(name=str(job.name))
        states.append(job.state)
    assert states == [types.JobState.JOB_STATE_RUNNING, types.JobState.JOB_STATE_SUCCEEDED]
    assert job.dest is not None
    assert job.dest.inlined_responses is not None
    first, second = job.dest.inlined_responses
    assert first.response is not None
    assert first.response.text == f"1:\n{post.slides[0].text}"
    assert second.error is not None
    assert second.metadata == {"key": "two"}
    assert [one.display_name for one in client.batches.list()] == ["night"]
    client.files.delete(name=str(uploaded.name))
    with pytest.raises(errors.ClientError):
        client.files.get(name=str(uploaded.name))


def test_a_batch_from_a_file_answers_into_a_file(box: Sandbox, client: genai.Client) -> None:
    post = photo(box, "ruta.lenta")
    image = {"inlineData": {"mimeType": "image/jpeg", "data": encoded(jpeg(post, 0))}}
    line = {"key": "post-1", "request": {"contents": [{"parts": [{"text": "Slide 0:"}, image]}]}}
    uploaded = client.files.upload(
        file=io.BytesIO(json.dumps(line).encode()),
        config=types.UploadFileConfig(mime_type="application/jsonl"),
    )
    job = client.batches.create(model=MODEL, src=str(uploaded.name))
    for _ in range(2):
        job = client.batches.get(name=str(job.name))
    assert job.dest is not None
    result = json.loads(client.files.download(file=str(job.dest.file_name)))
    assert result["key"] == "post-1"
    parts = result["response"]["candidates"][0]["content"]["parts"]
    assert parts[0]["text"] == f"0:\n{post.slides[0].text}"


def encoded(content: bytes, *, url_safe: bool = False) -> str:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    return encode(content).decode()


def ask(
    box: Sandbox, body: Any, *, verb: str = "generateContent", key: str = "k", **headers: str
) -> Answer:
    url = f"{box.gemini_url}/v1/models/{MODEL}:{verb}"
    return fetch(url, method="POST", body=json.dumps(body).encode(), x_goog_api_key=key, **headers)


def image_body(box: Sandbox, handle: str = "fit.with.maya", mime: str = "image/jpeg") -> Any:
    post = photo(box, handle)
    parts: list[Any] = [{"text": "POST p1"}]
    for slide in post.slides[:2]:
        parts.append({"text": f"SLIDE p1s{slide.position}"})
        data = encoded(jpeg(post, slide.position))
        parts.append({"inlineData": {"data": data, "mime_type": mime}})
    return {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {"responseMimeType": "application/json"},
    }


def text_of(answer: Answer) -> str:
    return str(answer.json()["candidates"][0]["content"]["parts"][0]["text"])


def slides_of(answer: Answer) -> list[dict[str, Any]]:
    return list(json.loads(text_of(answer))["posts"][0]["slides"])


@pytest.mark.parametrize("url_safe", [True, False])
def test_both_spellings_of_keys_and_both_base64_alphabets_are_read(
    box: Sandbox, url_safe: bool
) -> None:
    post = photo(box, "fit.with.maya")
    data = encoded(jpeg(post, 0), url_safe=url_safe)
    inline = {"mime_type" if url_safe else "mimeType": "image/jpeg", "data": data}
    part = {"inline_data" if url_safe else "inlineData": inline}
    schema = {
        "type": "OBJECT",
        "properties": {
            "slides": {
                "type": "ARRAY",
                "items": {
                    "type": "OBJECT",
                    "properties": {"index": {"type": "INTEGER"}, "text": {"type": "STRING"}},
                },
            }
        },
    }
    key = "response_schema" if url_safe else "responseSchema"
    body = {
        "contents": [{"parts": [{"text": "Slide 4:"}, part]}],
        "generation_config" if url_safe else "generationConfig": {key: schema},
    }
    answer = json.loads(text_of(ask(box, body)))
    assert answer == {"slides": [{"index": 4, "text": post.slides[0].text}]}


def test_a_json_schema_with_references_is_filled_too(box: Sandbox) -> None:
    body = image_body(box)
    body["generationConfig"]["responseJsonSchema"] = Readings.model_json_schema()
    answer = Readings.model_validate_json(text_of(ask(box, body)))
    assert answer.posts[0].slides[0].slide_type == "hook"


def test_a_picture_from_elsewhere_has_no_text(box: Sandbox) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 300), "teal").save(buffer, "PNG")
    part = {"inlineData": {"mimeType": "image/png", "data": encoded(buffer.getvalue())}}
    body = {
        "contents": [{"parts": [{"text": "SLIDE p1s0"}, part]}],
        "generationConfig": {"responseMimeType": "application/json"},
    }
    (slide,) = slides_of(ask(box, body))
    assert (slide["text"], slide["slide_type"], slide["label"]) == ("", "unknown", "p1s0")


@pytest.mark.parametrize(
    ("mime", "content", "message"),
    [
        ("image/jpg", b"\xff\xd8\xff", "Unsupported MIME type: image/jpg"),
        ("image/png", b"\xff\xd8\xff", "Unable to process"),
        ("image/jpeg", b"\xff\xd8\xff cut", "Unable to process"),
    ],
)
def test_bad_pictures_are_refused(box: Sandbox, mime: str, content: bytes, message: str) -> None:
    part = {"inlineData": {"mimeType": mime, "data": encoded(content)}}
    answer = ask(box, {"contents": [{"parts": [part]}]})
    assert answer.status == 400
    assert message in answer.json()["error"]["message"]
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_keys_models_and_sizes_are_checked(box: Sandbox) -> None:
    body = {"contents": [{"parts": [{"text": "x"}]}]}
    assert ask(box, body, key="").status == 403
    assert ask(box, body, key="wrong").json()["error"]["message"].startswith("API key not valid")
    gone = fetch(
        f"{box.gemini_url}/v1/models/gemini-2.0-flash:generateContent",
        method="POST",
        body=b"{}",
        x_goog_api_key="k",
    )
    assert gone.status == 404
    assert ask(box, {}).status == 400
    big = {"contents": [{"parts": [{"text": "x" * (20 * 1024 * 1024)}]}]}
    assert "exceeds the limit" in ask(box, big).json()["error"]["message"]


@pytest.mark.parametrize(
    ("level", "tokens"), [("LOW", 280), ("MEDIUM", 560), ("HIGH", 1120), (None, 1120)]
)
def test_tokens_follow_the_media_resolution(box: Sandbox, level: str | None, tokens: int) -> None:
    body = image_body(box)
    if level:
        body["generationConfig"]["mediaResolution"] = f"MEDIA_RESOLUTION_{level}"
    usage = ask(box, body).json()["usageMetadata"]
    assert usage["promptTokensDetails"][1] == {"modality": "IMAGE", "tokenCount": 2 * tokens}
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"]
    counted = ask(box, body, verb="countTokens").json()
    assert counted["totalTokens"] == usage["promptTokenCount"]


def test_an_answer_longer_than_allowed_is_cut(box: Sandbox) -> None:
    body = image_body(box)
    body["generationConfig"]["maxOutputTokens"] = 20
    answer = ask(box, body)
    assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert len(text_of(answer)) == 80


ENDINGS = {
    "safety": ("SAFETY", False),
    "recitation": ("RECITATION", False),
    "max_tokens_empty": ("MAX_TOKENS", True),
    "max_tokens_cut": ("MAX_TOKENS", True),
    "new_finish_reason": ("BRAND_NEW", True),
}


@pytest.mark.parametrize(("name", "ending"), ENDINGS.items())
def test_candidates_that_end_early(box: Sandbox, name: str, ending: tuple[str, bool]) -> None:
    candidate = ask(box, image_body(box), x_sandbox_fault=name).json()["candidates"][0]
    assert (candidate["finishReason"], "content" in candidate) == ending
    assert ("parts" in candidate.get("content", {})) == (
        name in ("max_tokens_cut", "new_finish_reason")
    )


def test_answers_that_are_not_what_was_asked(box: Sandbox) -> None:
    def spoiled(name: str) -> Answer:
        return ask(box, image_body(box), x_sandbox_fault=name)

    assert text_of(spoiled("fenced")).startswith("```json\n{")
    for name in ("truncated_json", "max_tokens_cut"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text_of(spoiled(name)))
    assert "posts" not in json.loads(text_of(spoiled("wrong_shape")))
    labels = {
        name: [slide["label"] for slide in slides_of(spoiled(name))]
        for name in ("missing_label", "extra_label", "duplicate_label", "wrong_label")
    }
    assert labels == {
        "missing_label": ["p1s0"],
        "extra_label": ["p1s0", "p1s1", "p99s99"],
        "duplicate_label": ["p1s0", "p1s1", "p1s0"],
        "wrong_label": ["xp1s0x", "xp1s1x"],
    }
    assert all(slide["text"][0] == "\x00" for slide in slides_of(spoiled("nul_text")))
    assert {slide["slide_type"] for slide in slides_of(spoiled("unknown_type"))} == {"interlude"}
    blocked = spoiled("blocked").json()
    assert "candidates" not in blocked
    assert blocked["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}


def test_quota_errors_say_what_the_real_ones_say(box: Sandbox) -> None:
    def details(name: str) -> tuple[int, list[Any], str]:
        answer = ask(box, image_body(box), x_sandbox_fault=name)
        error = answer.json()["error"]
        return answer.status, error["details"], error["message"]

    status, found, message = details("http_429_after")
    assert status == 429
    assert found[-1]["retryDelay"] == "2s"
    assert "Please retry in 2s." in message
    assert len(details("http_429")[1]) == 1
    assert "PerDay" in details("per_day")[1][0]["violations"][0]["quotaId"]
    assert "limit: 0" in details("limit_zero")[2]


def test_the_sdk_raises_what_it_raises_for_the_real_service(
    box: Sandbox, client: genai.Client
) -> None:
    models = f"/gemini/v1beta/models/{MODEL}"
    for name, expected in (
        ("http_503", errors.ServerError),
        ("http_502_html", errors.ServerError),
        ("http_401", errors.ClientError),
        ("bad_image", errors.ClientError),
        ("dropped", httpx2.RemoteProtocolError),
        ("truncated", httpx2.RemoteProtocolError),
    ):
        box.faults.add(models, name, times=1)
        with pytest.raises(expected):
            client.models.generate_content(model=MODEL, contents="hello")


def test_one_bad_creator_spoils_the_whole_request(box: Sandbox) -> None:
    good, bad = image_body(box), image_body(box, "fault.gemini_bad_image")
    assert ask(box, good).status == 200
    good["contents"] += bad["contents"]
    assert ask(box, good).status == 400


BATCHES: dict[str, str] = {
    "batch_expired": "EXPIRED",
    "batch_failed": "FAILED",
    "batch_stuck": "PENDING",
    "batch_partial": "SUCCEEDED",
    "batch_no_metadata": "SUCCEEDED",
}


@pytest.mark.parametrize(("name", "state"), BATCHES.items())
def test_batches_that_go_wrong(box: Sandbox, name: str, state: str) -> None:
    item = {"request": image_body(box), "metadata": {"key": "a"}}
    body = {"batch": {"inputConfig": {"requests": {"requests": [item, item]}}}}
    made = ask(box, body, verb="batchGenerateContent", x_sandbox_fault=name).json()
    assert made["metadata"]["state"] == "BATCH_STATE_PENDING"
    for _ in range(3):
        url = f"{box.gemini_url}/v1/{made['name']}"
        job = fetch(url, x_goog_api_key="k").json()
    assert job["metadata"]["state"] == f"BATCH_STATE_{state}"
    if state == "SUCCEEDED":
        items = job["response"]["inlinedResponses"]["inlinedResponses"]
        assert ["error" in item for item in items] == [False, name == "batch_partial"]
        assert ["metadata" in item for item in items] == [name != "batch_no_metadata"] * 2


def test_every_fault_of_gemini_changes_the_answer(box: Sandbox) -> None:
    good = ask(box, image_body(box)).json()
    for name in faults.GEMINI_ONLY:
        if not name.startswith("batch_"):
            assert ask(box, image_body(box), x_sandbox_fault=name).json() != good, name

"""Gemini's stand-in, under ``/gemini/{version}/``: the real SDK talks to it.

Its answers are the truth about the pictures, read from the strip in each (``fingerprint.py``), in
the shape of the schema that was sent (``gemini_answer.py``).
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from carousel.sandbox.chance import hexed
from carousel.sandbox.clock import Clock
from carousel.sandbox.failures import google_error, instead, quota, spoil
from carousel.sandbox.faults import FaultBook
from carousel.sandbox.gemini_answer import DEFAULT_SCHEMA, Writer, mislabel, plain
from carousel.sandbox.gemini_parts import Asked, BadRequest, Eye, pick, understand
from carousel.sandbox.gemini_store import Batches, Files, model_of
from carousel.sandbox.wire import Request, Response, as_json
from carousel.sandbox.world import World

Json = dict[str, Any]
Faults = dict[str, float | None]

LIMIT_BYTES = 20 * 1024 * 1024
_ROUTED = {"gemini-3.7-flash": "gemini-3.8-flash", "gemini-3.5-flash": "gemini-3.6-flash"}
_PATH = re.compile(r"/gemini/(?P<upload>upload/)?(?P<version>v\w+)/(?P<rest>.*)")


class _Failed(Exception):
    """A fault takes the answer's place."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True, slots=True)
class _Verdict:
    """How the candidate ends, and what is left of its text (``None``: no parts)."""

    finish: str
    text: str | None


class Gemini:
    """Answers ``/gemini/`` requests."""

    def __init__(self, world: World, clock: Clock, faults: FaultBook, base: str) -> None:
        self.clock, self.faults = clock, faults
        self.eye = Eye(world)
        self.files = Files(clock, base)
        self.batches = Batches(clock, self.files, self._batch_item)

    def forget(self) -> None:
        """No uploads and no batches."""
        self.files.forget()
        self.batches.forget()

    def answer(self, request: Request) -> Response:
        """Any request under ``/gemini/``."""
        path = _PATH.fullmatch(request.path)
        if path is None:
            return google_error(404, f"Not found: {request.path}")
        asked = self.faults.asked(request)
        try:
            if path["upload"] and "upload_id" in request.query:
                return self.files.upload(request, path["version"])
            _check_key(request)
            if path["upload"]:
                return self.files.upload(request, path["version"])
            response = self._route(request, path["rest"], asked)
        except BadRequest as refused:
            return refused.response
        except _Failed as failed:
            return failed.response
        except ValueError as error:
            return google_error(400, f"Invalid JSON payload received. {error}")
        for name, seconds in asked.items():
            spoil(name, response, seconds)
        return response

    def _route(self, request: Request, rest: str, asked: Faults) -> Response:
        kind, _, name = rest.partition("/")
        if kind == "files":
            return self.files.answer(request, name)
        if kind == "batches":
            return self.batches.answer(request, name)
        if request.method == "GET" and kind == "models" and name:
            return as_json({"name": f"models/{name}", "inputTokenLimit": 1_048_576})
        model, verb = model_of(rest)
        if len(request.body) > LIMIT_BYTES:
            raise BadRequest(f"Request payload size exceeds the limit: {LIMIT_BYTES} bytes.")
        body = request.json()
        _give_up(asked, model)
        if verb == "batchGenerateContent":
            return self.batches.create(model, body, asked)
        if verb == "countTokens":
            inner = pick(body, "generateContentRequest") or body
            seen = understand(inner, model, self.eye, self.files.open)
            return as_json({"totalTokens": seen.text_tokens + seen.image_tokens})
        if verb != "generateContent":
            raise BadRequest(f"Not found: {rest}", 404)
        return as_json(self._generate(model, body, asked))

    def _batch_item(self, model: str, body: Json) -> Json:
        """One request of a batch; a fault that would be an HTTP error is the item's error."""
        try:
            return self._generate(model, body, {})
        except _Failed as failed:
            error = json.loads(failed.response.body or b"{}").get("error", {})
            raise BadRequest(str(error.get("message", "Internal error encountered."))) from failed

    def _generate(self, model: str, body: Json, faults: Faults) -> Json:
        """The answer to one request. Adds the faults of its pictures' creators to ``faults``."""
        asked = understand(body, model, self.eye, self.files.open)
        for key in dict.fromkeys(slide.key for slide in asked.slides if slide.key):
            for name in self.faults.of_handle("gemini", key, "generate"):
                faults.setdefault(name, None)
        _give_up(faults, model)
        version = _ROUTED.get(model, model)
        if "blocked" in faults:
            usage = _usage(asked, 0)
            reason = {"blockReason": "PROHIBITED_CONTENT"}
            return {"promptFeedback": reason, "usageMetadata": usage, "modelVersion": version}
        mislabel(asked, faults)
        verdict = _verdict(self._text(asked, body, faults), body, faults)
        content: Json = {"role": "model"}
        if verdict.text is not None:
            signature = base64.b64encode(hexed(24, verdict.text).encode()).decode()
            content["parts"] = [{"text": verdict.text, "thoughtSignature": signature}]
        candidate: Json = {"content": content, "finishReason": verdict.finish, "index": 0}
        if verdict.finish in ("SAFETY", "RECITATION"):
            del candidate["content"]
        candidate["avgLogprobs"] = -0.1
        return {
            "candidates": [candidate],
            "usageMetadata": _usage(asked, len(verdict.text or "") // 4),
            "modelVersion": version,
            "responseId": hexed(16, verdict.text, self.clock.now()),
            "fieldOfTomorrow": {"x": 1},
        }

    def _text(self, asked: Asked, body: Json, faults: Faults) -> str:
        config = pick(body, "generationConfig") or {}
        schema = pick(config, "responseSchema") or pick(config, "responseJsonSchema")
        if not schema and pick(config, "responseMimeType") != "application/json":
            return plain(asked)
        if "wrong_shape" in faults:
            return json.dumps({"result": [], "note": "another shape"})
        answer = Writer(schema or DEFAULT_SCHEMA).write(asked)
        return json.dumps(answer, ensure_ascii=False)


def _verdict(text: str, body: Json, faults: Faults) -> _Verdict:
    limit = pick(pick(body, "generationConfig"), "maxOutputTokens")
    for name, finish in (("safety", "SAFETY"), ("recitation", "RECITATION")):
        if name in faults:
            return _Verdict(finish, None)
    if "max_tokens_empty" in faults:
        return _Verdict("MAX_TOKENS", None)
    if "max_tokens_cut" in faults:
        return _Verdict("MAX_TOKENS", text[: len(text) * 2 // 3])
    if limit and len(text) // 4 > int(limit):
        return _Verdict("MAX_TOKENS", text[: int(limit) * 4])
    if "truncated_json" in faults:
        text = text[: len(text) // 2]
    if "fenced" in faults:
        text = f"```json\n{text}\n```"
    return _Verdict("BRAND_NEW" if "new_finish_reason" in faults else "STOP", text)


def _give_up(faults: Faults, model: str) -> None:
    """Raise ``_Failed`` for the first fault that takes the whole answer's place."""
    for name, seconds in faults.items():
        if name == "per_day":
            raise _Failed(quota(model, per_day=True, limit=20))
        if name == "limit_zero":
            raise _Failed(quota(model, limit=0, wait=seconds or 30.0))
        early = instead("gemini", name, seconds, credits=0, model=model)
        if early is not None:
            raise _Failed(early)


def _check_key(request: Request) -> None:
    key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
    if not key:
        message = (
            "Method doesn't allow unregistered callers (callers without established identity)."
        )
        raise BadRequest(message, 403)
    if key.startswith("wrong"):
        raise BadRequest("API key not valid. Please pass a valid API key.")


def _usage(asked: Asked, written: int) -> Json:
    prompt = asked.text_tokens + asked.image_tokens
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": written,
        "totalTokenCount": prompt + written,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": asked.text_tokens},
            {"modality": "IMAGE", "tokenCount": asked.image_tokens},
        ],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": written}],
    }

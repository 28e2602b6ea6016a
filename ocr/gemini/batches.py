"""Gemini's batch API: half the price, an answer within a day.

A job is created once, and creating is not idempotent: the caller stores a display name first and
can find the job by it. What was asked in which request is a plan of plain data, which the caller
stores too; answers are matched to it by the key in their metadata, or by their order where the
metadata is missing.

Limits as of google-genai 3.4.0 and ai.google.dev (batch API): requests inside the call up to 20 MB
together, else a file of up to 2 GB; a job that is not done after 48 hours expires.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carousel.lib.errors import UpstreamError
from ocr.gemini.client import Reply, contents_of, reply_of, reply_of_json, request_config
from ocr.gemini.config import GeminiConfig
from ocr.gemini.connection import Connection, failed
from ocr.gemini.failures import RequestRejected
from ocr.gemini.packing import parts_of
from ocr.gemini.progress import Bundle
from ocr.gemini.sending import output_limit

if TYPE_CHECKING:
    from google.genai import types

INLINE_BYTES: Final = 16_000_000
"""Requests of more than this go into a file; the service refuses 20 MB in the call itself."""

FILE_BYTES: Final = 256_000_000
"""A job's size at most; the service takes 2 GB, but composing it has to end in good time."""

_PAGES: Final = 50
_DONE: Final = frozenset(("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"))


@dataclass(frozen=True, slots=True)
class JobState:
    """What the service says of a job. ``state`` is its last word without ``JOB_STATE_``."""

    name: str
    state: str
    done: bool


@dataclass(frozen=True, slots=True)
class Item:
    """The answer to one request of a job: a reply, or why there is none."""

    key: str
    reply: Reply | None
    error: str = ""


class GeminiBatches:
    """Jobs of many requests. Errors are those of ``Connection.translated``."""

    def __init__(self, config: GeminiConfig) -> None:
        self._config = config
        self._connection = Connection(config)

    def create(
        self, requests: Sequence[tuple[str, Bundle]] | Path, instruction: str, display_name: str
    ) -> str:
        """Create the job, from keyed requests or from a file of them; returns its name."""
        from google.genai import types

        if isinstance(requests, Path):
            source: Any = self._upload(requests, display_name)
        else:
            source = [self._inlined(key, bundle, instruction) for key, bundle in requests]
        with self._connection.translated() as client:
            job = client.batches.create(
                model=self._config.model,
                src=source,
                config=types.CreateBatchJobConfig(display_name=display_name),
            )
        if not job.name:
            raise failed("gemini_bad_answer", "created a job without a name", None)
        return job.name

    def find(self, display_name: str) -> str | None:
        """Return the name of the first job that was created under this display name."""
        from google.genai import types

        found: list[str] = []
        with self._connection.translated() as client:
            pager = client.batches.list(config=types.ListBatchJobsConfig(page_size=100))
            for _ in range(_PAGES):
                found += [j.name or "" for j in pager.page if j.display_name == display_name]
                if not (pager.config or {}).get("page_token"):
                    break
                pager.next_page()
        return found[-1] if found else None  # the newest come first

    def state(self, name: str) -> JobState:
        """Return how far the job is. Raises ``UpstreamError`` ``batch_gone`` if it is unknown."""
        job = self._get(name)
        state = str(getattr(job.state, "value", job.state) or "")
        state = state.removeprefix("JOB_STATE_").removeprefix("BATCH_STATE_")
        return JobState(name, state, state in _DONE)

    def cancel(self, name: str) -> None:
        """Ask for the job to be given up."""
        with self._connection.translated() as client:
            client.batches.cancel(name=name)

    def items(self, name: str, keys: Sequence[str]) -> Iterator[Item]:
        """Yield the answers of a job that is done, each under the key of its request.

        ``keys`` are those of the plan in their order. Keys that nobody asked for are left out.
        """
        job = self._get(name)
        dest = job.dest
        if dest is None:
            return
        if dest.file_name:
            yield from self._from_file(dest.file_name, frozenset(keys))
            return
        for place, answer in enumerate(dest.inlined_responses or []):
            key = (answer.metadata or {}).get("key")
            if key is None and place < len(keys):
                key = keys[place]
            if key is not None and key in keys:
                yield self._item(key, answer.response, answer.error)

    def write_line(self, key: str, bundle: Bundle, instruction: str) -> bytes:
        """Return one request as a line of a file."""
        request = request_json(bundle, instruction, self._config)
        return json.dumps({"key": key, "request": request}, ensure_ascii=False).encode() + b"\n"

    def _inlined(self, key: str, bundle: Bundle, instruction: str) -> types.InlinedRequest:
        from google.genai import types

        limit = output_limit(bundle, self._config)
        return types.InlinedRequest(
            contents=contents_of(parts_of(bundle), self._config),
            config=request_config(self._config, instruction, limit),
            metadata={"key": key},
        )

    def _upload(self, path: Path, display_name: str) -> str:
        from google.genai import types

        with self._connection.translated() as client:
            file = client.files.upload(
                file=path,
                config=types.UploadFileConfig(
                    display_name=display_name, mime_type="application/jsonl"
                ),
            )
        if not file.name:
            raise failed("gemini_bad_answer", "stored a file without a name", None)
        return file.name

    def _get(self, name: str) -> types.BatchJob:
        try:
            with self._connection.translated() as client:
                return client.batches.get(name=name)
        except (RequestRejected, UpstreamError) as error:
            if isinstance(error, UpstreamError) and error.code != "model_not_found":
                raise
            raise UpstreamError(
                f"Gemini knows no batch job {name} any more.", code="batch_gone", retryable=False
            ) from error

    def _from_file(self, name: str, keys: frozenset[str]) -> Iterator[Item]:
        with self._connection.translated() as client:
            content = client.files.download(file=name)
        for line in content.splitlines():
            try:
                found = json.loads(line)
                key, response = found["key"], found.get("response")
                reply = reply_of_json(response, self._config.model) if response else None
            except (ValueError, TypeError, LookupError, AttributeError):
                continue  # a line that is no answer leaves its request unanswered
            if key in keys:
                yield Item(key, reply, "" if reply else _message(found.get("error")))

    def _item(
        self, key: str, response: types.GenerateContentResponse | None, error: object
    ) -> Item:
        if response is None:
            return Item(key, None, _message(error))
        return Item(key, reply_of(response, self._config.model))


def request_json(bundle: Bundle, instruction: str, config: GeminiConfig) -> dict[str, Any]:
    """Return a request as the REST API takes it; the SDK writes requests only into a call."""
    made = request_config(config, instruction, output_limit(bundle, config))
    told = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    generation = ("responseMimeType", "responseSchema", "maxOutputTokens", "mediaResolution")
    return {
        "contents": [
            contents_of(parts_of(bundle), config).model_dump(
                mode="json", by_alias=True, exclude_none=True
            )
        ],
        "systemInstruction": {"role": "user", "parts": [{"text": instruction}]},
        "safetySettings": told["safetySettings"],
        "store": False,
        "generationConfig": {
            name: told[name] for name in (*generation, "thinkingConfig") if name in told
        },
    }


def _message(error: object) -> str:
    message = error.get("message") if isinstance(error, Mapping) else getattr(error, "message", "")
    return str(message or "no reason given")[:200]

"""Gemini's Files API and Batch API (upstream notes, 5.6 and 5.7)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from carousel.sandbox.clock import Clock
from carousel.sandbox.gemini_parts import BadRequest, pick
from carousel.sandbox.wire import Request, Response, as_json

Json = dict[str, Any]
_FILE_LIFE, _BATCH_LIFE = 48 * 3_600, 48 * 3_600


@dataclass
class StoredFile:
    """One uploaded or produced file; ``created`` is sandbox time in epoch seconds."""

    name: str
    display_name: str
    mime: str
    created: float
    content: bytes = b""
    done: bool = False


@dataclass
class Files:
    """Uploads in the resumable protocol, and what came of them."""

    clock: Clock
    base: str
    _files: dict[str, StoredFile] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Drop every file."""
        self._files.clear()

    def upload(self, request: Request, version: str) -> Response:
        """``/upload/{version}/files``: start, then chunks, then finalize."""
        command = request.headers.get("x-goog-upload-command", "")
        if "start" in command:
            return self._start(request, version)
        file = self._files.get(f"files/{request.query.get('upload_id', '')}")
        if file is None:
            raise BadRequest("Upload not found", 404)
        if int(request.headers.get("x-goog-upload-offset", "0")) != len(file.content):
            raise BadRequest("Upload offset does not match")
        file.content += request.body
        if "finalize" not in command:
            return Response(200, b"", {"X-Goog-Upload-Status": "active"})
        file.done = True
        return as_json({"file": self.told(file)}, headers={"X-Goog-Upload-Status": "final"})

    def _start(self, request: Request, version: str) -> Response:
        about = pick(request.json(), "file") or {}
        mime = request.headers.get("x-goog-upload-header-content-type", "")
        file = self.keep(b"", str(pick(about, "mimeType") or mime), "up", done=False)
        file.display_name = str(pick(about, "displayName", ""))
        place = f"{self.base}/upload/{version}/files?upload_id={file.name.removeprefix('files/')}"
        headers = {"X-Goog-Upload-URL": place, "X-Goog-Upload-Status": "active"}
        return Response(200, b"", headers)

    def keep(self, content: bytes, mime: str, prefix: str, *, done: bool = True) -> StoredFile:
        """Store a file under a new name."""
        with self._lock:
            name = f"files/{prefix}{len(self._files) + 1}"
            file = StoredFile(name, "", mime, self.clock.now(), content, done)
            self._files[name] = file
            return file

    def open(self, uri: str) -> tuple[bytes, str]:
        """Content and type of a file by its URI or name. Raises ``BadRequest``."""
        file = self._get("files/" + uri.rsplit("/", 1)[-1])
        return file.content, file.mime

    def _get(self, name: str) -> StoredFile:
        file = self._files.get(name)
        if file is None or not file.done or self.clock.now() - file.created > _FILE_LIFE:
            message = f"You do not have permission to access the File {name} or it may not exist."
            raise BadRequest(message, 403)
        return file

    def answer(self, request: Request, name: str) -> Response:
        """``/files…``: list, get, download, delete."""
        if not name:
            listed = [self.told(file) for file in self._files.values() if file.done]
            return as_json({"files": listed, "nextPageToken": ""})
        name, _, verb = name.partition(":")
        file = self._get(f"files/{name}")
        if verb == "download":
            return Response(200, file.content, {"Content-Type": file.mime})
        if request.method == "DELETE":
            del self._files[file.name]
            return as_json({})
        return as_json(self.told(file))

    def told(self, file: StoredFile) -> Json:
        """The file as the API tells it; ``sizeBytes`` is a string."""
        digest = hashlib.sha256(file.content).hexdigest().encode()
        return {
            "name": file.name,
            "displayName": file.display_name,
            "mimeType": file.mime,
            "sizeBytes": str(len(file.content)),
            "createTime": stamp(file.created),
            "updateTime": stamp(file.created),
            "expirationTime": stamp(file.created + _FILE_LIFE),
            "sha256Hash": base64.b64encode(digest).decode(),
            "uri": f"{self.base}/v1beta/{file.name}",
            "state": "ACTIVE",
            "source": "UPLOADED",
        }


@dataclass
class Batch:
    """One batch job. Its state moves on when it is asked for."""

    name: str
    model: str
    display_name: str
    created: float
    items: list[Json]
    by_file: bool
    faults: dict[str, float | None]
    state: str = "PENDING"
    polls: int = 0
    output: Json | None = None


@dataclass
class Batches:
    """Batch jobs: PENDING when made, RUNNING at the first look, done at the second."""

    clock: Clock
    files: Files
    run: Callable[[str, Json], Json]
    _batches: dict[str, Batch] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Drop every job."""
        self._batches.clear()

    def create(self, model: str, body: Json, faults: dict[str, float | None]) -> Response:
        """``models/{model}:batchGenerateContent``."""
        batch = pick(body, "batch") or {}
        source = pick(batch, "inputConfig") or {}
        name = pick(source, "fileName")
        if name:
            lines = self.files.open(str(name))[0].decode().splitlines()
            items = [json.loads(line) for line in lines if line.strip()]
        else:
            items = pick(pick(source, "requests"), "requests") or []
        with self._lock:
            job = Batch(
                f"batches/b{len(self._batches) + 1}",
                model,
                str(pick(batch, "displayName", "")),
                self.clock.now(),
                items,
                bool(name),
                faults,
            )
            self._batches[job.name] = job
        return as_json(self._told(job))

    def answer(self, request: Request, name: str) -> Response:
        """``/batches…``: list, get, cancel, delete."""
        if not name:
            return self._list(request)
        name, _, verb = name.partition(":")
        job = self._batches.get(f"batches/{name}")
        if job is None:
            raise BadRequest(f"Batch batches/{name} not found", 404)
        if verb == "cancel":
            job.state = "CANCELLED"
            return as_json({})
        if request.method == "DELETE":
            del self._batches[job.name]
            return as_json({})
        with self._lock:
            self._move_on(job)
        return as_json(self._told(job))

    def _list(self, request: Request) -> Response:
        jobs = list(self._batches.values())
        size, begin = int(request.query.get("pageSize", "50")), request.query.get("pageToken", "0")
        first = int(begin)
        more = str(first + size) if first + size < len(jobs) else ""
        told = [self._told(job) for job in jobs[first : first + size]]
        return as_json({"operations": told, "nextPageToken": more})

    def _move_on(self, job: Batch) -> None:
        if job.state not in ("PENDING", "RUNNING"):
            return
        job.polls += 1
        if "batch_expired" in job.faults or self.clock.now() - job.created > _BATCH_LIFE:
            job.state = "EXPIRED"
        elif "batch_stuck" in job.faults:
            return
        elif job.polls == 1:
            job.state = "RUNNING"
        elif "batch_failed" in job.faults:
            job.state = "FAILED"
        else:
            job.output = self._output(job)
            job.state = "SUCCEEDED"

    def _output(self, job: Batch) -> Json:
        results = [self._item(job, index, item) for index, item in enumerate(job.items)]
        if not job.by_file:
            return {"inlinedResponses": {"inlinedResponses": results}}
        text = "\n".join(json.dumps(result) for result in results)
        kept = self.files.keep(text.encode(), "application/jsonl", "batch-")
        return {"responsesFile": kept.name}

    def _item(self, job: Batch, index: int, item: Json) -> Json:
        try:
            if "batch_partial" in job.faults and index % 2:
                raise BadRequest("Request contains an invalid argument.")
            result: Json = {"response": self.run(job.model, pick(item, "request") or {})}
        except BadRequest as refused:
            result = {"error": {"code": 3, "message": str(refused)}}
        if job.by_file:
            return {"key": item.get("key"), **result}
        if "metadata" in item and "batch_no_metadata" not in job.faults:
            result["metadata"] = item["metadata"]
        return result

    def _told(self, job: Batch) -> Json:
        done = job.state not in ("PENDING", "RUNNING")
        metadata: Json = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "model": f"models/{job.model}",
            "name": job.name,
            "displayName": job.display_name,
            "createTime": stamp(job.created),
            "updateTime": stamp(self.clock.now()),
            "batchStats": {"requestCount": str(len(job.items))},
            "state": f"BATCH_STATE_{job.state}",
            "fieldOfTomorrow": {},
        }
        told: Json = {"name": job.name, "metadata": metadata}
        if done:
            told["done"] = True
            metadata["endTime"] = stamp(self.clock.now())
        if job.output is not None:
            metadata["output"] = told["response"] = job.output
        return told


def stamp(seconds: float) -> str:
    """A time with nanoseconds, as Google writes it."""
    whole = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{int(seconds % 1 * 1e6):06d}789Z"


def model_of(path: str) -> tuple[str, str]:
    """``models/NAME:VERB`` apart. Raises ``BadRequest`` for a model that is gone or unknown."""
    found = re.fullmatch(r"models/([\w.\-]+):(\w+)", path)
    if not found:
        raise BadRequest(f"Not found: {path}", 404)
    name = found[1]
    if not name.startswith("gemini-") or name.startswith(("gemini-1", "gemini-2.0")):
        raise BadRequest(f"models/{name} is not found for API version v1", 404)
    return name, found[2]

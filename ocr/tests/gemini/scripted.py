"""A Gemini on loopback that answers honestly unless it is told to play something else.

It knows the truth about each image by its bytes, so that a test can tell an answer that was
matched by label from one that was matched by luck. It shares no code with what it tests.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

USAGE = {"promptTokenCount": 1000, "candidatesTokenCount": 90, "thoughtsTokenCount": 10}


@dataclass(frozen=True)
class Request:
    """One generateContent as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def parts(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = self.body["contents"][0]["parts"]
        return parts

    @property
    def images(self) -> dict[str, bytes]:
        """Image bytes by the label in the text part before each."""
        found, label = {}, ""
        for part in self.parts:
            if "text" in part:
                match = re.match(r"SLIDE (\S+)", part["text"])
                label = match[1] if match else ""
            else:
                found[label] = base64.urlsafe_b64decode(part["inlineData"]["data"])
        return found

    @property
    def types(self) -> list[str]:
        blobs = [part["inlineData"] for part in self.parts if "inlineData" in part]
        return [blob.get("mimeType") or blob["mime_type"] for blob in blobs]

    @property
    def posts(self) -> list[str]:
        texts = [part.get("text", "") for part in self.parts]
        return [text.split()[1] for text in texts if text.startswith("POST ")]


@dataclass
class Response:
    """What goes back: JSON or raw bytes, after ``delay`` seconds, or a cut connection."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False


Play = Callable[[Request], Response]


@dataclass
class ScriptedGemini:
    """``script`` is played first, one entry per request; then every answer is honest.

    A request with one of ``bad_images`` is refused with 400, with one of ``blocked_images`` it is
    blocked, and with one of ``crashing_images`` it ends in 500, whatever else is in it.
    """

    truth: dict[bytes, str] = field(default_factory=dict)
    category: str = "Fitness"
    script: deque[Play] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    bad_images: set[bytes] = field(default_factory=set)
    blocked_images: set[bytes] = field(default_factory=set)
    crashing_images: set[bytes] = field(default_factory=set)
    url: str = ""

    def play(self, request: Request) -> Response:
        self.requests.append(request)
        if self.script:
            return self.script.popleft()(request)
        images = set(request.images.values())
        if images & self.bad_images:
            return refuse(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        if images & self.blocked_images:
            return blocked("SAFETY")
        if images & self.crashing_images:
            return refuse(500, "INTERNAL", "An internal error has occurred.")
        return reply(json.dumps(self.honest(request)))

    def honest(self, request: Request) -> dict[str, Any]:
        """The answer that was asked for."""
        posts = {label: self._post(label) for label in request.posts}
        for label, image in request.images.items():
            posts[label.partition("s")[0]]["slides"].append(self.slide(label, image))
        return {"posts": list(posts.values())}

    def slide(self, label: str, image: bytes) -> dict[str, Any]:
        return {
            "label": label,
            "text": self.truth[image],
            "description": "A plain picture.",
            "slide_type": "content",
            "language": "en",
            "confidence": 0.9,
        }

    def _post(self, label: str) -> dict[str, Any]:
        return {
            "label": label,
            "category": self.category,
            "category_confidence": 0.8,
            "slides": [],
        }

    def then(self, *plays: Play) -> None:
        """Add to the script."""
        self.script.extend(plays)

    def tell(self, change: Callable[[dict[str, Any]], Any]) -> Play:
        """Return a play that answers what ``change`` makes of the honest answer: a string is sent
        as it is, anything else as JSON, None means that it was changed in place."""

        def play(request: Request) -> Response:
            answer = self.honest(request)
            changed = change(answer)
            made = answer if changed is None else changed
            return reply(made if isinstance(made, str) else json.dumps(made))

        return play


def reply(text: str | None, finish: str = "STOP", **more: Any) -> Response:
    """A 200 with one candidate; ``text`` None leaves its parts out."""
    content: dict[str, Any] = {"role": "model"}
    if text is not None:
        content["parts"] = [{"text": text}]
    candidate = {"content": content, "finishReason": finish, "index": 0}
    return Response(
        {
            "candidates": [candidate],
            "usageMetadata": USAGE | {"totalTokenCount": 1100},
            "modelVersion": "gemini-3.1-flash-lite",
            "responseId": "r1",
        }
        | more
    )


def blocked(reason: str) -> Response:
    """A 200 for a prompt that was not looked at."""
    return Response(
        {
            "promptFeedback": {"blockReason": reason},
            "usageMetadata": {"promptTokenCount": 1000, "totalTokenCount": 1000},
            "modelVersion": "gemini-3.1-flash-lite",
        }
    )


def refuse(
    code: int, status: str, message: str, *details: dict[str, Any], **headers: str
) -> Response:
    """An error in Google's shape; header names are written with underscores."""
    for detail in details:
        detail["@type"] = f"type.googleapis.com/google.rpc.{detail['@type']}"
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response({"error": error}, code, named)


def always(response: Response) -> Play:
    """A play that does not look at the request."""
    return lambda request: response


@contextmanager
def serve(gemini: ScriptedGemini) -> Iterator[ScriptedGemini]:
    """Serve on a free loopback port; ``gemini.url`` is set meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(gemini.play(Request(self.path, headers, body)))

        def _send(self, response: Response) -> None:
            time.sleep(response.delay)
            if response.drop:
                self.connection.close()
                return
            raw = response.body
            payload = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the tests look at ``requests``."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that has hung up is part of the script."""

    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    gemini.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield gemini
    finally:
        server.shutdown()
        server.server_close()

"""gunicorn's worker for us: what it refuses by itself is JSON too, like every error of the API."""

from __future__ import annotations

import json
from typing import Any

from gunicorn.http.errors import (
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

OURS = (InvalidResponseHeader, InvalidResponseHeaderName)  # not what the client sent
TOO_LONG: dict[type[Exception], tuple[str, str]] = {
    LimitRequestLine: ("414 URI Too Long", "The address is too long: ask for less at once."),
    LimitRequestHeaders: ("431 Request Header Fields Too Large", "The headers are too large."),
}
MALFORMED = ("400 Bad Request", "The request is no valid HTTP, so it can't be read.")


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads, as in ``--worker-class gthread``."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Refuse what can't be read as a request; anything else is gunicorn's to tell."""
        if not isinstance(exc, ParseException) or isinstance(exc, OURS):
            super().handle_error(req, client, addr, exc)
            return
        self.log.info("Refused a request: %s", exc)
        status, words = TOO_LONG.get(type(exc), MALFORMED)
        code = "too_large" if type(exc) in TOO_LONG else "invalid"
        body = json.dumps({"detail": words, "code": code})
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        answer = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("ascii")
        try:
            write_nonblock(client, answer)
        except OSError:
            self.log.debug("Nobody waits for the answer any more.")

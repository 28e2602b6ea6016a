"""A stand-in for Sentry's server: records every event that the real transport delivers."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Recorder:
    """What arrived: events as data, and every byte, for searching."""

    dsn: str = ""
    delay: float = 0.0  # seconds before each answer
    events: list[dict[str, Any]] = field(default_factory=list)
    raw: bytes = b""

    def take(self, body: bytes) -> None:
        """Read one envelope: a header line, then pairs of an item's header and its payload."""
        self.raw += body
        lines = body.split(b"\n")[1:]
        while len(lines) > 1:
            header, payload = lines[0], lines[1]
            lines = lines[2:]
            if header and json.loads(header)["type"] == "event":
                self.events.append(json.loads(payload))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Events whose outermost exception is of this type."""
        return [
            event
            for event in self.events
            if "exception" in event and event["exception"]["values"][-1]["type"] == kind
        ]


@contextmanager
def recording() -> Iterator[Recorder]:
    """Serve on loopback until the block ends."""
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            time.sleep(recorder.delay)
            recorder.take(body)
            answer = b'{"id": "1"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder.dsn = f"http://0123456789abcdef@127.0.0.1:{server.server_port}/1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

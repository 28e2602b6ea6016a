"""A web server on loopback that misbehaves on demand, down to the single byte."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client sent: ``target`` is the exact request target."""

    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: items[-1] for key, items in parse_qs(urlsplit(self.target).query).items()}


# What is sent on a connection: pieces of bytes, or a pause in seconds. Then it is closed.
Script = Callable[[Request], Iterable[bytes | float]]


@dataclass
class Loopback:
    """The server under test's thumb: ``script`` answers, ``requests`` remembers."""

    url: str = ""
    script: Script = field(default=lambda request: ())
    requests: list[Request] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(self, *pieces: bytes | float) -> None:
        """From now on, send ``pieces`` to everybody."""
        self.script = lambda request: pieces


def reply(
    status: int, body: bytes | str | dict | list, headers: dict[str, str] | None = None
) -> bytes:
    """A whole HTTP answer; dicts and lists are sent as JSON."""
    if isinstance(body, dict | list):
        body, headers = json.dumps(body), {"Content-Type": "application/json"} | (headers or {})
    content = body.encode() if isinstance(body, str) else body
    lines = {"Content-Length": str(len(content)), "Connection": "close"} | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A running server, gone with every thread of its when the block ends."""
    state = Loopback()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            first = self.rfile.readline().decode("latin-1").split()
            headers: dict[str, str] = {}
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            if len(first) < 2:
                return
            request = Request(first[1], headers)
            state.requests.append(request)
            for piece in state.script(request):
                if isinstance(piece, bytes):
                    self.wfile.write(piece)
                    self.wfile.flush()
                elif state.stopping.wait(piece):
                    return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up early is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            state.stopping.set()
            server.shutdown()
            thread.join()


def unused_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

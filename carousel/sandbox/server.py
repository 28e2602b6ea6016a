"""The sandbox's one process and one port.

``with start(port=0) as sandbox:`` runs it in a thread; ``sandbox.url`` is ScrapeCreators' base URL,
``sandbox.gemini_url`` Gemini's. Everything listens on loopback only.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from carousel.sandbox.accounts import Account
from carousel.sandbox.cdn import Cdn
from carousel.sandbox.clock import Clock
from carousel.sandbox.control import Control
from carousel.sandbox.failures import cdn_denied, instead, spoil
from carousel.sandbox.faults import FaultBook, service_of
from carousel.sandbox.gemini import Gemini
from carousel.sandbox.links import Links, Refused
from carousel.sandbox.scrapecreators import ScrapeCreators
from carousel.sandbox.stats import Stats
from carousel.sandbox.wire import Request, Response
from carousel.sandbox.world import World


@dataclass(frozen=True)
class Options:
    """How a sandbox is set up. ``now``: a clock that stands still there (epoch seconds)."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 7
    profiles: int = 4
    credits: int = 1_000_000
    api_key: str = ""
    now: float | None = None
    emoji_slides: bool = False
    latency: float = 0.0


class Application:
    """The parts of the sandbox and the way a request takes through them."""

    def __init__(self, options: Options, base: str) -> None:
        self.options = options
        self.clock = Clock(options.now)
        self.world = World(options.seed, options.emoji_slides)
        self.links = Links(options.seed, base)
        self.faults = FaultBook()
        self.account = Account(options.credits)
        self.stats = Stats()
        self.stopping = threading.Event()
        self.cdn = Cdn(self.world, self.clock, self.links)
        self.api = ScrapeCreators(
            self.world, self.clock, self.links, self.faults, self.account, options.api_key
        )
        self.gemini = Gemini(self.world, self.clock, self.faults, f"{base}/gemini")
        self.control = Control(self)

    def answer(self, request: Request) -> Response:
        """Any request."""
        began = time.perf_counter()
        if request.path.startswith("/-/"):
            return self.control.answer(request)
        service = service_of(request.path)
        if service == "cdn":
            response = self._serve_file(request)
        elif service == "gemini":
            response = self.gemini.answer(request)
        else:
            response = self.api.answer(request)
        self.stats.note(request, response, time.perf_counter() - began)
        return response

    def _serve_file(self, request: Request) -> Response:
        asked = self.faults.asked(request)
        try:
            found = self.cdn.find(request)
        except Refused as refused:
            return cdn_denied(refused.status)
        where = f"{found.asset.slot} {found.asset.kind} {found.asset.position}"
        for name in self.faults.of_handle("cdn", found.asset.key, where):
            asked.setdefault(name, None)
        for name, seconds in asked.items():
            early = instead("cdn", name, seconds, credits=0)
            if early is not None:
                return early
        response = self.cdn.answer(request, found, asked)
        for name, seconds in asked.items():
            spoil(name, response, seconds)
        return response


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Buffered: head and body leave in one write, and no answer waits for an acknowledgement.
    wbufsize = 65_536
    server: _Server

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        application = self.server.application
        response = application.answer(request)
        wait = response.wait + application.options.latency
        if wait and application.stopping.wait(wait):
            response.drop = True
        if response.drop:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(response)

    do_GET = do_POST = do_DELETE = do_HEAD = do_PATCH = do_PUT = _any

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        body = response.body if self.command != "HEAD" else b""
        if response.send is not None:
            self.close_connection = True
            body = body[: response.send]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the counters under ``/-/stats`` say more."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    application: Application

    def __init__(self, address: tuple[str, int]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End the connections that clients keep open."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass
class Sandbox:
    """A running sandbox."""

    url: str
    application: Application
    _server: _Server
    _thread: threading.Thread
    _stopped: bool = field(default=False)

    @property
    def gemini_url(self) -> str:
        """What ``GEMINI_BASE_URL`` is set to."""
        return f"{self.url}/gemini"

    @property
    def world(self) -> World:
        """Who exists."""
        return self.application.world

    @property
    def faults(self) -> FaultBook:
        """What goes wrong."""
        return self.application.faults

    @property
    def account(self) -> Account:
        """Credits and calls."""
        return self.application.account

    @property
    def clock(self) -> Clock:
        """The sandbox's time."""
        return self.application.clock

    def truth(self, handle: str) -> dict[str, Any]:
        """What is to be found for a handle, as under ``/-/truth/``. Raises ``KeyError``."""
        return self.application.control.truth(handle)

    def reset(self) -> None:
        """As it was at the start: time, credits, names, faults, counters, uploads and batches."""
        application = self.application
        application.clock.reset()
        application.world.reset()
        application.faults.clear()
        application.account.reset(application.options.credits)
        application.stats.clear()
        application.api.forget()
        application.gemini.forget()

    def stop(self) -> None:
        """Close the port and every connection; answers in hand are cut off."""
        if self._stopped:
            return
        self._stopped = True
        self.application.stopping.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def start(options: Options | None = None, **settings: Any) -> Sandbox:
    """Start a sandbox in a thread; the settings are those of ``Options``: ``start(seed=7)``.

    Raises ``OSError`` when the port is taken.
    """
    chosen = options or Options(**settings)
    server = _Server((chosen.host, chosen.port))
    port = int(server.server_address[1])
    url = f"http://{chosen.host}:{port}"
    server.application = Application(chosen, url)
    thread = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="sandbox", daemon=True
    )
    thread.start()
    return Sandbox(url, server.application, server, thread)

"""Connections to checked addresses, kept alive and handed from one download to the next."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import select
import socket
import ssl
import threading
import time
from typing import Any

from media_cache.download.policy import DownloadPolicy
from media_cache.download.routes import Route

_BUFFER = 64 * 1024


class BoundedSocket:
    """As much of a socket as ``http.client`` uses, with the deadline set before each wait.

    A plain socket timeout bounds one ``recv``: a server that drips one byte at a time would hold
    us for ever, in the headers too.
    """

    def __init__(self, sock: socket.socket, read_timeout: float) -> None:
        self._sock = sock
        self._read_timeout = read_timeout
        self.deadline = 0.0

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole download is over")
        self._sock.settimeout(min(left, self._read_timeout))

    def sendall(self, data: Any) -> None:
        self._arm()
        self._sock.sendall(data)

    def recv_into(self, buffer: Any) -> int:
        self._arm()
        return self._sock.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_SocketReader(self), _BUFFER)

    def close(self) -> None:
        """Called by ``http.client`` before the body of a last response was read: too early."""

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.close()

    def is_quiet(self) -> bool:
        """Nothing to read on an idle connection: neither an end nor bytes nobody asked for."""
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return False
        try:
            poll = select.poll()
            poll.register(self._sock, select.POLLIN)
            return not poll.poll(0)
        except (OSError, ValueError):
            return False


class _SocketReader(io.RawIOBase):
    def __init__(self, sock: BoundedSocket) -> None:
        super().__init__()
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._sock.recv_into(buffer)


class Connection(http.client.HTTPConnection):
    """HTTP/1.1 to one checked address; TLS verifies the host's name, not the address."""

    def __init__(
        self, route: Route, address: str, policy: DownloadPolicy, context: ssl.SSLContext
    ) -> None:
        super().__init__(address, route.port)
        self.key = (route.scheme, route.host, route.port, address)
        self.idle_since = 0.0
        self._policy = policy
        self._context = context
        self._bounded: BoundedSocket | None = None

    def dial(self, deadline: float) -> None:
        """Connect and shake hands. ``deadline`` is on ``time.monotonic``'s clock.

        Raises ``OSError`` (``TimeoutError``, ``ssl.SSLError`` and the like among them).
        """
        scheme, host, port, address = self.key
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole download is over")
        timeout = min(left, self._policy.connect_timeout)
        sock = socket.create_connection((address, port), timeout=timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                sock = self._context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        self._bounded = BoundedSocket(sock, self._policy.read_timeout)
        self.sock = self._bounded

    def exchange(self, route: Route, deadline: float) -> http.client.HTTPResponse:
        """Send a GET for the route's exact bytes and read the answer's head.

        ``deadline`` is on ``time.monotonic``'s clock. Raises ``OSError`` or ``HTTPException``.
        """
        self.limit(deadline)
        self.putrequest("GET", route.request_target, skip_host=True, skip_accept_encoding=True)
        self.putheader("Host", route.host_header)
        self.putheader("User-Agent", self._policy.user_agent)
        self.putheader("Referer", self._policy.referer)
        self.putheader("Accept", "*/*")
        self.putheader("Accept-Encoding", "identity")
        self.endheaders()
        return self.getresponse()

    def limit(self, deadline: float) -> None:
        """Let no later wait on this connection pass ``deadline``."""
        if self._bounded is not None:
            self._bounded.deadline = deadline

    def is_reusable(self) -> bool:
        return self._bounded is not None and self.sock is not None and self._bounded.is_quiet()

    def hang_up(self) -> None:
        self.close()
        if self._bounded is not None:
            self._bounded.hang_up()


class ConnectionPool:
    """Idle connections by (scheme, host, port, address). Thread-safe, and safe after a fork:
    a child never speaks on its parent's connections."""

    def __init__(self, *, per_host: int = 32, idle_seconds: float = 20.0) -> None:
        self._per_host = per_host
        self._idle_seconds = idle_seconds
        self._idle: dict[tuple[str, str, int, str], list[Connection]] = {}
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def take(self, route: Route) -> Connection | None:
        """An idle connection to one of the route's checked addresses that still looks alive."""
        while (connection := self._pop(route)) is not None:
            fresh = time.monotonic() - connection.idle_since < self._idle_seconds
            if fresh and connection.is_reusable():
                return connection
            connection.hang_up()
        return None

    def _pop(self, route: Route) -> Connection | None:
        with self._lock:
            if self._owner != os.getpid():
                self._idle, self._owner = {}, os.getpid()
            for address in route.addresses:
                waiting = self._idle.get((route.scheme, route.host, route.port, address))
                if waiting:
                    return waiting.pop()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose last answer was read to its end."""
        connection.idle_since = time.monotonic()
        with self._lock:
            waiting = self._idle.setdefault(connection.key, [])
            waiting.append(connection)
            surplus = waiting[: -self._per_host]
            del waiting[: -self._per_host]
        for old in surplus:
            old.hang_up()

    def close(self) -> None:
        """Hang up every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for waiting in idle.values():
            for connection in waiting:
                connection.hang_up()

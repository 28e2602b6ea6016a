"""A media origin on loopback that answers each path with exactly the bytes a test gives it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from types import TracebackType


def answer(
    body: bytes = b"", *, status: str = "200 OK", length: int | None = None, headers: str = ""
) -> bytes:
    """A raw HTTP/1.1 response; ``headers`` are lines that end with CRLF."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


class Origin:
    """Serves ``self.answers`` (request target to raw parts); a float among the parts is a pause
    in seconds, a None hangs up. ``requests`` keeps every head, ``connections`` counts."""

    def __init__(self, context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self.answers: dict[str, Iterable[bytes | float | None]] = {}
        self.requests: list[str] = []
        self.connections = 0
        self._context = context
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://{address}:{self.port}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._listen)]

    def __enter__(self) -> Origin:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            _close(sock)
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb") as stream:
                while self._exchange(sock, stream):
                    pass
        except OSError:
            return

    def _exchange(self, sock: socket.socket, stream: Iterable[bytes]) -> bool:
        head = b""
        for line in stream:
            head += line
            if line == b"\r\n":
                break
        else:
            return False
        self.requests.append(head.decode("latin-1"))
        target = head.split(b" ")[1].decode("latin-1")
        for part in self.answers.get(target, [answer(status="404 Not Found")]):
            if part is None:
                return False
            if isinstance(part, float):
                time.sleep(part)
            else:
                sock.sendall(part)
        return True


def _close(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return

"""Fetch a file from a hostile URL into a local one: streamed, hashed, bounded."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ssl
import time
from dataclasses import dataclass
from typing import BinaryIO

from media_cache.download.addresses import Resolve, ResolverCache, system_resolve
from media_cache.download.backoff import HostBackoff
from media_cache.download.connections import Connection, ConnectionPool
from media_cache.download.errors import DownloadError, for_status, interrupted, refused
from media_cache.download.policy import DownloadPolicy
from media_cache.download.routes import Route, locate, redirected

HEAD_BYTES = 4096
_CHUNK = 64 * 1024
_DRAIN = 64 * 1024
_DRAIN_SECONDS = 1.0
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Downloaded:
    """A complete body. ``size`` in bytes; ``head`` is its first ``HEAD_BYTES`` at most.

    ``content_type_header`` is what the server claims, lower-case and without parameters, empty
    where it claims nothing: never to be believed.
    """

    size: int
    sha256: str
    content_type_header: str
    final_url: str
    head: bytes


class Downloader:
    """Downloads under one policy. Thread-safe; make one per process and keep it."""

    def __init__(
        self,
        policy: DownloadPolicy,
        *,
        resolve: Resolve = system_resolve,
        ssl_context: ssl.SSLContext | None = None,
        backoff: HostBackoff | None = None,
    ) -> None:
        self.policy = policy
        self._backoff = backoff
        self._resolve = ResolverCache(resolve)
        self._context = ssl_context or ssl.create_default_context()
        self._pool = ConnectionPool()

    def close(self) -> None:
        """Hang up idle connections."""
        self._pool.close()

    def fetch(self, url: str, file: BinaryIO, *, expected_size: int | None = None) -> Downloaded:
        """Stream the body of ``url`` into ``file``, which is emptied first.

        ``expected_size`` (bytes) is what the source promised: a shorter body is ``truncated``.
        Raises ``DownloadError``; what the file then holds is not to be used. Raises ``NotNow``
        while a host on the way is left alone.
        """
        deadline = time.monotonic() + self.policy.total_timeout
        current = url
        for _ in range(self.policy.max_redirects + 1):
            route = locate(current, self.policy, self._resolve)
            with self._watching(route):
                outcome = self._exchange(route, deadline, file, expected_size)
            if isinstance(outcome, Downloaded):
                return outcome
            current = outcome
        raise refused(url, "too_many_redirects", f"more than {self.policy.max_redirects} redirects")

    def _watching(self, route: Route) -> contextlib.AbstractContextManager[None]:
        if self._backoff is None:
            return contextlib.nullcontext()
        return self._backoff.watching(route.host_header)

    def _exchange(
        self, route: Route, deadline: float, file: BinaryIO, expected_size: int | None
    ) -> Downloaded | str:
        """The body, or the URL where it is said to be."""
        connection, response = self._ask(route, deadline)
        try:
            if response.status in _REDIRECTS:
                return _next_url(route, response)
            return self._accept(route, response, file, expected_size)
        finally:
            self._release(connection, response)

    def _ask(self, route: Route, deadline: float) -> tuple[Connection, http.client.HTTPResponse]:
        """Send the request, on an idle connection if one still works, else on a new one."""
        while (idle := self._pool.take(route)) is not None:
            try:
                return idle, idle.exchange(route, deadline)
            except TimeoutError as error:
                idle.hang_up()
                raise interrupted(route.url, "timeout", f"no answer in time ({error})") from None
            except (OSError, http.client.HTTPException):
                idle.hang_up()  # the server had closed it meanwhile, which is its right
        return self._ask_anew(route, deadline)

    def _ask_anew(
        self, route: Route, deadline: float
    ) -> tuple[Connection, http.client.HTTPResponse]:
        failure: Exception = OSError("no address")
        for address in route.addresses:
            connection = Connection(route, address, self.policy, self._context)
            try:
                connection.dial(deadline)
            except OSError as error:
                failure = error
                continue
            try:
                return connection, connection.exchange(route, deadline)
            except (OSError, http.client.HTTPException) as error:
                connection.hang_up()
                failure = error
                break
        if isinstance(failure, TimeoutError):
            raise interrupted(route.url, "timeout", f"no answer in time ({failure})") from None
        why = f"{type(failure).__name__} {ascii(str(failure))[:120]}"
        raise interrupted(route.url, "connection_failed", why) from None

    def _accept(
        self,
        route: Route,
        response: http.client.HTTPResponse,
        file: BinaryIO,
        expected_size: int | None,
    ) -> Downloaded:
        if response.status != 200:
            raise for_status(route.url, response.status, response.headers)
        _check_encoding(route, response)
        announced = response.length or 0
        if announced > self.policy.max_bytes:
            raise self._too_large(route)
        size, sha256, head = self._receive(route, response, file)
        if size == 0:
            raise interrupted(route.url, "empty", "the body is empty")
        announced = max(announced, expected_size or 0)
        if size < announced:
            why = f"{size} bytes came, {announced} were announced"
            raise interrupted(route.url, "truncated", why)
        claim = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Downloaded(size, sha256, claim[:100], route.url, head)

    def _receive(
        self, route: Route, response: http.client.HTTPResponse, file: BinaryIO
    ) -> tuple[int, str, bytes]:
        digest, size, head = hashlib.sha256(), 0, b""
        file.seek(0)
        file.truncate()
        while chunk := _read(route, response):
            size += len(chunk)
            if size > self.policy.max_bytes:
                raise self._too_large(route)
            if len(head) < HEAD_BYTES:
                head += chunk[: HEAD_BYTES - len(head)]
            digest.update(chunk)
            file.write(chunk)
        return size, digest.hexdigest(), head

    def _too_large(self, route: Route) -> DownloadError:
        return refused(route.url, "too_large", f"larger than {self.policy.max_bytes} bytes")

    def _release(self, connection: Connection, response: http.client.HTTPResponse) -> None:
        if response.status != 200:
            connection.limit(time.monotonic() + _DRAIN_SECONDS)
            _drain(response)
        complete = response.length == 0 or (response.isclosed() and response.length is None)
        finished = complete and not response.will_close
        response.close()
        if finished:
            self._pool.give_back(connection)
        else:
            connection.hang_up()


def _read(route: Route, response: http.client.HTTPResponse) -> bytes:
    """What has arrived, at least one byte; nothing at the end."""
    try:
        return response.read1(_CHUNK)
    except TimeoutError as error:
        raise interrupted(route.url, "timeout", f"the body stalled ({error})") from None
    except (OSError, http.client.HTTPException) as error:
        why = f"the connection broke within the body ({type(error).__name__})"
        raise interrupted(route.url, "truncated", why) from None


def _check_encoding(route: Route, response: http.client.HTTPResponse) -> None:
    """We asked for the bytes as they are; a proxy that packs them anyway changed their hash."""
    content = response.headers.get("Content-Encoding", "").strip().lower()
    transfer = response.headers.get("Transfer-Encoding", "").strip().lower()
    if content not in ("", "identity") or transfer not in ("", "chunked"):
        why = f"the body is encoded as {ascii(content or transfer)[:40]}, which was not asked for"
        raise interrupted(route.url, "unexpected_encoding", why)


def _next_url(route: Route, response: http.client.HTTPResponse) -> str:
    location = response.headers.get("Location")
    if not location:
        raise refused(route.url, "unexpected_status", f"answered {response.status} to nowhere")
    return redirected(route.url, location.strip())


def _drain(response: http.client.HTTPResponse) -> None:
    """Read the short body of an answer that is no file, so that the connection can be kept."""
    left = _DRAIN
    with contextlib.suppress(OSError, http.client.HTTPException):
        while left > 0 and (chunk := response.read1(_CHUNK)):
            left -= len(chunk)

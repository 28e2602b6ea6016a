"""The one way out over HTTP: timeouts always set, no proxies from the environment, bounded bodies.

``get`` answers with whatever status came; what a status means is for the caller, who knows the
service. Only what never became an answer raises: ``TransportError``, which says whether the other
side may have acted on (and billed for) the request all the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from carousel.lib.errors import UpstreamError

MAX_BODY = 50 * 1024 * 1024  # bytes
MAX_RETRY_AFTER = 86_400.0  # seconds; who asks for more than a day is mistaken
USER_AGENT = "carousel/1.0"
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How long (seconds) and how much (bytes of decoded body) one request may take.

    ``read`` bounds each silence, ``total`` the whole answer, so that a server that sends a byte
    now and then can't hold a worker.
    """

    connect: float = 10.0
    read: float = 60.0
    total: float = 120.0
    max_bytes: int = MAX_BODY


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. ``headers`` ignores case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(UpstreamError):
    """No whole answer came.

    Codes: ``timeout``, ``connection_failed``, ``answer_truncated``, ``answer_too_large``.
    ``request_sent`` is False only where the request certainly never reached the other side.
    """

    def __init__(
        self, message: str, *, code: str, request_sent: bool, retryable: bool = True
    ) -> None:
        super().__init__(message, code=code, retryable=retryable)
        self.request_sent = request_sent


class Session(requests.Session):
    """A ``requests`` session that no environment variable, cookie or forgotten timeout changes."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__()
        self.limits = limits or Limits()
        self.trust_env = False  # no proxies, no .netrc, no certificate bundle from outside
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers["User-Agent"] = USER_AGENT

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As in ``requests``; a call without a timeout gets the session's."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (self.limits.connect, self.limits.read)
        return super().send(request, **kwargs)


def new_session(limits: Limits | None = None, *, pool_size: int = 10) -> Session:
    """A session that keeps up to ``pool_size`` connections per host and never retries by itself."""
    session = Session(limits)
    for scheme in ("https://", "http://"):
        adapter = HTTPAdapter(pool_connections=pool_size, pool_maxsize=pool_size, max_retries=0)
        session.mount(scheme, adapter)
    return session


def get(
    session: Session,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Reply:
    """Fetch ``url`` without following redirects (a header with a key must not travel).

    Raises ``TransportError``; its messages name the host only, as a query may hold secrets.
    """
    bounds = limits or session.limits
    deadline = time.monotonic() + bounds.total
    try:
        with session.get(
            url,
            params=params,
            headers=headers,
            timeout=(bounds.connect, bounds.read),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = read_body(response, max_bytes=bounds.max_bytes, deadline=deadline)
            return Reply(response.status_code, response.headers, body)
    except requests.RequestException as exc:
        raise transport_error(exc, _host(url)) from None


def read_body(response: requests.Response, *, max_bytes: int, deadline: float) -> bytes:
    """The decoded body of a streamed response.

    ``deadline`` is on ``time.monotonic``'s clock. Raises ``TransportError`` when the body is larger
    than ``max_bytes``, late, or breaks off.
    """
    host = _host(response.url)
    too_large = TransportError(
        f"{host} sent more than {max_bytes} bytes.",
        code="answer_too_large",
        request_sent=True,
        retryable=False,
    )
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise too_large
    body = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > max_bytes:
                raise too_large
            if time.monotonic() > deadline:
                raise _late(host)
    except urllib3.exceptions.ReadTimeoutError:
        raise _late(host) from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise TransportError(
            f"The answer of {host} broke off or can't be decoded.",
            code="answer_truncated",
            request_sent=True,
        ) from None
    return bytes(body)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _late(host: str) -> TransportError:
    return TransportError(f"{host} did not answer in time.", code="timeout", request_sent=True)


def transport_error(exc: BaseException, host: str) -> TransportError:
    """What an exception before the first byte of an answer means, without what it would print."""
    causes = _causes(exc)
    refused = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.SSLError,
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidHeader,
    )
    if any(isinstance(cause, refused) for cause in causes):
        return TransportError(
            f"Can't connect to {host}.", code="connection_failed", request_sent=False
        )
    if any(isinstance(cause, urllib3.exceptions.ReadTimeoutError) for cause in causes):
        return _late(host)
    return TransportError(
        f"{host} closed the connection without an answer.",
        code="connection_failed",
        request_sent=True,
    )


def _causes(exc: BaseException) -> list[BaseException]:
    """``exc`` and the exceptions it wraps, as arguments or as ``reason``."""
    found: list[BaseException] = []
    waiting: list[object] = [exc]
    while waiting and len(found) < 20:
        item = waiting.pop()
        if isinstance(item, BaseException):
            found.append(item)
            waiting += [*item.args, getattr(item, "reason", None)]
    return found


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds to wait, from a ``Retry-After`` header: seconds or an HTTP date (RFC 9110, 10.2.3).

    Never negative, a day at most; ``None`` where the header is missing or makes no sense.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - (now or datetime.now(UTC))).total_seconds()
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


_STATUS_CODES = {
    400: "bad_request",
    401: "unauthorized",
    402: "out_of_credits",
    403: "forbidden",
    404: "not_found",
    408: "timeout",
    410: "gone",
    429: "rate_limited",
}
_RETRYABLE = frozenset({"timeout", "rate_limited", "upstream_unavailable"})


def status_code(status: int) -> str:
    """The word for an HTTP status that is not a success.

    5xx, redirects and other surprises are ``upstream_unavailable``, the remaining 4xx
    ``bad_request``.
    """
    if status in _STATUS_CODES:
        return _STATUS_CODES[status]
    return "bad_request" if 400 <= status < 500 else "upstream_unavailable"


def status_error(status: int, message: str, *, retry_after: float | None = None) -> UpstreamError:
    """The error for an HTTP status that is not a success; ``message`` is for people."""
    code = status_code(status)
    return UpstreamError(message, code=code, retryable=code in _RETRYABLE, retry_after=retry_after)

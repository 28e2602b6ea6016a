"""One call to ScrapeCreators: sent, recorded whatever becomes of it, and understood."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

from carousel.lib import http
from carousel.lib.redaction import SHORTEST_SECRET
from tiktok.scraper.answers import Envelope
from tiktok.scraper.calls import Call, PlannedCall
from tiktok.scraper.errors import ScrapeError, failure, status_failure

_FREE_STATUSES = frozenset({400, 401, 402, 404})
# These say something about what was asked for only if ScrapeCreators itself says it: as a bare
# page they come from a proxy, a firewall or a wrong base URL.
_NEED_ENVELOPE = frozenset({400, 403, 404, 410})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScraperConfig:
    """What the client needs to know. ``timeout`` is the longest silence, in seconds.

    ``before_call`` may stop a call by raising (``NotNow`` for a budget, a pause or a rate limit).
    ``on_call`` hears of every call made, failed ones too, before the answer or error goes up.
    """

    base_url: str
    api_key: str = field(repr=False)
    timeout: float = 60.0
    before_call: Callable[[PlannedCall], None] | None = None
    on_call: Callable[[Call], None] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a key that no header can carry, without showing it."""
        if not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ValueError("The ScrapeCreators API key has characters that no key has.")


class Transport:
    """Makes calls with one key, over connections that it keeps."""

    def __init__(self, config: ScraperConfig) -> None:
        self._config = config
        limits = http.Limits(
            connect=min(10.0, config.timeout), read=config.timeout, total=2 * config.timeout
        )
        self._session = http.new_session(limits)

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def ask(
        self,
        endpoint: str,
        params: Mapping[str, str],
        read: Callable[[object], T],
        *,
        what: str,
        max_credits: int,
    ) -> T:
        """GET ``endpoint`` and have ``read`` understand the decoded answer.

        Raises ``ScrapeError``, with the record of the call, also for what ``read`` raises.
        """
        planned = PlannedCall(uuid4(), endpoint, params, max_credits, datetime.now(UTC))
        if self._config.before_call:
            self._config.before_call(planned)
        attempt = _Attempt(planned)
        try:
            return read(self._fetch(attempt, what))
        except ScrapeError as exc:
            exc.args = (self._without_key(str(exc)),)
            attempt.error = exc
            raise
        except BaseException:
            attempt.interrupted = True
            raise
        finally:
            self._record(attempt)

    def _record(self, attempt: _Attempt) -> None:
        call = attempt.call()
        if attempt.error:
            attempt.error.call = call
        if self._config.on_call:
            self._config.on_call(call)

    def _fetch(self, attempt: _Attempt, what: str) -> object:
        """The decoded body of a successful answer. Raises ``ScrapeError``."""
        try:
            reply = http.get(
                self._session,
                self._config.base_url.rstrip("/") + attempt.planned.endpoint,
                params=attempt.planned.params,
                headers={"x-api-key": self._config.api_key, "accept": "application/json"},
            )
        except http.TransportError as exc:
            attempt.sent = exc.request_sent
            raise _transport_failure(exc, what) from None
        attempt.status = reply.status
        decoded = _decoded(reply.body)
        attempt.envelope = Envelope.read(decoded)
        if reply.status != 200:
            raise _refusal(reply, attempt.envelope, what)
        if decoded is None:
            detail = f"{len(reply.body)} bytes that are not JSON"
            raise failure("malformed_answer", what, detail=detail, retryable=True)
        return decoded

    def _without_key(self, message: str) -> str:
        """Should an answer's words repeat our key, it goes no further than here.

        The answer itself stays as it is: a link that happens to hold the key must work. No key is
        so short that an ordinary word could hold it.
        """
        key = self._config.api_key
        return message.replace(key, "***") if len(key) >= SHORTEST_SECRET else message


def _decoded(body: bytes) -> object:
    """The JSON in ``body``, whatever content type it was sent as; ``None`` if it is none."""
    try:
        decoded: object = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return decoded


class _Attempt:
    """What is known so far of a call under way."""

    def __init__(self, planned: PlannedCall) -> None:
        self.planned = planned
        self.began = time.monotonic()
        self.sent = True
        self.interrupted = False  # by a time limit, or a bug of ours; paid all the same
        self.status: int | None = None
        self.envelope: Envelope | None = None
        self.error: ScrapeError | None = None

    def call(self) -> Call:
        planned, envelope = self.planned, self.envelope or Envelope()
        return Call(
            planned.id,
            planned.endpoint,
            planned.params,
            planned.max_credits,
            planned.started_at,
            duration_ms=round(1000 * (time.monotonic() - self.began)),
            http_status=self.status,
            credits_charged=self._charged(envelope.credits_charged),
            credits_remaining=envelope.credits_remaining,
            cached=envelope.cached,
            error_code=self._error_code(),
            retry_after=self.error.retry_after if self.error else None,
        )

    def _error_code(self) -> str:
        if self.error:
            return self.error.code
        return "interrupted" if self.interrupted else ""

    def _charged(self, told: int | None) -> int | None:
        """What it cost: as told, else 0 where the provider never bills, else unknown."""
        if told is not None:
            return told
        free = not self.sent or not self.planned.max_credits or self.status in _FREE_STATUSES
        return 0 if free else None


def _transport_failure(exc: http.TransportError, what: str) -> ScrapeError:
    """The error for a call that got no whole answer."""
    code = exc.code if exc.code in ("timeout", "connection_failed") else "malformed_answer"
    return failure(code, what, detail=str(exc), retryable=exc.retryable)


def _refusal(reply: http.Reply, envelope: Envelope | None, what: str) -> ScrapeError:
    """The error for an answer with another status than 200."""
    wait = http.retry_after(reply.headers.get("Retry-After"))
    if envelope is None and reply.status in _NEED_ENVELOPE:
        detail = f"HTTP {reply.status} without ScrapeCreators' JSON; is the base URL right?"
        return failure("upstream_unavailable", what, detail=detail, retry_after=wait)
    words = envelope.words if envelope else ""
    return status_failure(reply.status, what, detail=words, retry_after=wait)

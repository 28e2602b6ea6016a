"""The way to Gemini: the SDK's client, and what its errors mean.

The SDK is imported at the first request: that takes a second. Its retries stay off, because it
ignores the wait that Gemini asks for and never retries a dropped connection; what went wrong is
told upward instead, as ``NotNow``, ``UpstreamError`` or ``RequestRejected``.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from carousel.lib.errors import UpstreamError
from carousel.lib.redaction import SHORTEST_SECRET
from ocr.gemini.config import BASE_URL, GeminiConfig
from ocr.gemini.failures import Refusal, understand

if TYPE_CHECKING:
    from google.genai import Client, errors

logger = logging.getLogger(__name__)


class Connection:
    """A client of the SDK; threads may share it, and a forked child gets its own."""

    def __init__(self, config: GeminiConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._connected: tuple[int, Client] | None = None

    @contextmanager
    def translated(self) -> Iterator[Client]:
        """Give the client; what it raises in the block is raised in our words.

        ``NotNow`` (quota), ``RequestRejected`` (400) and ``UpstreamError``: codes ``invalid_key``,
        ``model_not_found``, ``quota_zero``, ``failed_precondition`` are final;
        ``gemini_timeout``, ``gemini_internal``, ``gemini_unavailable``, ``gemini_unreachable``
        and ``gemini_bad_answer`` are worth another try.
        """
        import httpx2
        from google.genai import errors

        try:
            yield self._connect()
        except errors.APIError as error:
            raise self._understood(error) from error
        except httpx2.TimeoutException as error:
            raise failed("gemini_timeout", "did not answer in time", error) from error
        except httpx2.RemoteProtocolError as error:
            raise failed("gemini_timeout", "dropped the connection", error) from error
        except httpx2.HTTPError as error:
            raise failed("gemini_unreachable", "could not be reached", error) from error
        except (ValueError, RecursionError) as error:
            # A 200 that is no JSON or not of the documented shape; pydantic's is a ValueError.
            raise failed(
                "gemini_bad_answer", "gave an answer that makes no sense", error
            ) from error

    def _connect(self) -> Client:
        with self._lock:
            if self._connected is None or self._connected[0] != os.getpid():
                self._connected = (os.getpid(), _client(self._config))
            return self._connected[1]

    def _understood(self, error: errors.APIError) -> Exception:
        body = error.details if isinstance(error.details, Mapping) else {}
        inner = body.get("error", body)
        details = inner.get("details") if isinstance(inner, Mapping) else None
        headers = getattr(error.response, "headers", None) or {}
        refusal = Refusal(
            code=int(error.code or 0),
            status=str(error.status or ""),
            message=self._without_key(str(error.message or "")),
            details=tuple(d for d in details or () if isinstance(d, Mapping))
            if isinstance(details, list)
            else (),
            retry_after=_seconds(headers.get("retry-after")),
        )
        return understand(refusal, self._config.model, datetime.now(UTC))

    def _without_key(self, message: str) -> str:
        """No key is so short that an ordinary word could hold it."""
        key = self._config.api_key
        return message.replace(key, "[key]") if len(key) >= SHORTEST_SECRET else message


def failed(code: str, what: str, error: Exception | None) -> UpstreamError:
    """Return the error for something that may work at the next try."""
    kind = f" ({type(error).__name__})" if error else ""
    return UpstreamError(
        f"Gemini {what}{kind}. It will be asked again.",
        code=code,
        retryable=True,
    )


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _client(config: GeminiConfig) -> Client:
    from google import genai
    from google.genai import types

    if not re.fullmatch(r"[!-~]+", config.api_key):
        # The HTTP library would refuse it too, with the key in its error.
        raise UpstreamError(
            "GEMINI_API_KEY holds spaces, line breaks or letters that no key has.",
            code="invalid_key",
            retryable=False,
        )
    return genai.Client(
        api_key=config.api_key,
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=config.base_url or BASE_URL,
            api_version=config.api_version,
            timeout=round(config.timeout * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )

"""The only file that knows the SDK. It is imported at the first request: that takes a second.

Retries of the SDK stay off, because it ignores the wait that Gemini asks for and never retries a
dropped connection; what went wrong is told upward instead, as ``NotNow``, ``UpstreamError`` or
``RequestRejected``.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from carousel.lib.errors import UpstreamError
from ocr.gemini.config import BASE_URL, GeminiConfig
from ocr.gemini.failures import Refusal, understand
from ocr.gemini.images import PreparedImage
from ocr.prompt import RESPONSE_SCHEMA

if TYPE_CHECKING:
    from google.genai import Client, errors, types

logger = logging.getLogger(__name__)

_HARMS: Final = (
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A 200. ``text`` is what the model wrote, perhaps cut short, perhaps nothing.

    ``finish`` is its reason to stop (``STOP``, ``MAX_TOKENS``, ``SAFETY`` …), ``blocked`` the
    reason the request was not looked at, "" if it was. Output tokens include thinking.
    """

    text: str
    finish: str
    blocked: str
    model_version: str
    input_tokens: int
    output_tokens: int


class GeminiClient:
    """Sends one request at a time; threads may share it, and a forked child gets its own."""

    def __init__(self, config: GeminiConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._connected: tuple[int, Client] | None = None

    def ask(
        self, parts: Sequence[str | PreparedImage], instruction: str, max_output_tokens: int
    ) -> Reply:
        """Send texts and images in their order and return the answer.

        Raises ``NotNow`` (quota), ``RequestRejected`` (400) and ``UpstreamError``: codes
        ``invalid_key``, ``model_not_found``, ``quota_zero``, ``failed_precondition`` are final;
        ``gemini_timeout``, ``gemini_internal``, ``gemini_unavailable``, ``gemini_unreachable``
        and ``gemini_bad_answer`` are worth another try.
        """
        import httpx2
        from google.genai import errors

        try:
            answer = self._connect().models.generate_content(
                model=self._config.model,
                contents=_contents(parts),
                config=_request_config(self._config, instruction, max_output_tokens),
            )
        except errors.APIError as error:
            raise self._understood(error) from error
        except httpx2.TimeoutException as error:
            raise _failed("gemini_timeout", "did not answer in time", error) from error
        except httpx2.RemoteProtocolError as error:
            raise _failed("gemini_timeout", "dropped the connection", error) from error
        except httpx2.HTTPError as error:
            raise _failed("gemini_unreachable", "could not be reached", error) from error
        except (ValueError, RecursionError) as error:
            # A 200 that is no JSON or not of the documented shape; pydantic's is a ValueError.
            raise _failed(
                "gemini_bad_answer", "gave an answer that makes no sense", error
            ) from error
        if not answer.candidates and answer.prompt_feedback is None:
            raise _failed("gemini_bad_answer", "answered nothing", None)
        return _reply(answer)

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
            message=str(error.message or "").replace(self._config.api_key, "[key]"),
            details=tuple(d for d in details or () if isinstance(d, Mapping))
            if isinstance(details, list)
            else (),
            retry_after=_seconds(headers.get("retry-after")),
        )
        return understand(refusal, self._config.model, datetime.now(UTC))


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


def _contents(parts: Sequence[str | PreparedImage]) -> types.Content:
    from google.genai import types

    return types.Content(
        role="user",
        parts=[
            types.Part(text=part)
            if isinstance(part, str)
            else types.Part.from_bytes(data=part.content, mime_type=part.content_type)
            for part in parts
        ],
    )


def _request_config(
    config: GeminiConfig, instruction: str, max_output_tokens: int
) -> types.GenerateContentConfig:
    """No sampling parameters: models since 3.6 deprecate them."""
    from google.genai import types

    thinking = config.thinking_level
    return types.GenerateContentConfig(
        system_instruction=instruction,
        response_mime_type="application/json",
        response_schema=types.Schema.model_validate(RESPONSE_SCHEMA),
        max_output_tokens=max_output_tokens,
        media_resolution=types.MediaResolution(
            f"MEDIA_RESOLUTION_{config.media_resolution}".upper()
        ),
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel(thinking.upper()))
        if thinking
        else None,
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory(harm), threshold=types.HarmBlockThreshold.OFF
            )
            for harm in _HARMS
        ],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        store=False,
    )


def _reply(answer: types.GenerateContentResponse) -> Reply:
    candidate = answer.candidates[0] if answer.candidates else None
    parts = (candidate.content.parts or []) if candidate and candidate.content else []
    feedback, usage = answer.prompt_feedback, answer.usage_metadata
    return Reply(
        text="".join(part.text or "" for part in parts if not part.thought),
        finish=_name(candidate.finish_reason) if candidate else "",
        blocked=(_name(feedback.block_reason) if feedback else "") if candidate is None else "",
        model_version=(answer.model_version or "").removeprefix("models/"),
        input_tokens=(usage.prompt_token_count or 0) if usage else 0,
        output_tokens=((usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0))
        if usage
        else 0,
    )


def _name(member: Any) -> str:
    return str(getattr(member, "value", member) or "")


def _failed(code: str, what: str, error: Exception | None) -> UpstreamError:
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

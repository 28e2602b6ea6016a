"""One request, as the SDK sends it and as it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ocr.gemini.config import GeminiConfig
from ocr.gemini.connection import Connection, failed
from ocr.gemini.images import PreparedImage
from ocr.prompt import RESPONSE_SCHEMA

if TYPE_CHECKING:
    from google.genai import types

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

    def __init__(self, config: GeminiConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection

    def ask(
        self, parts: Sequence[str | PreparedImage], instruction: str, max_output_tokens: int
    ) -> Reply:
        """Send texts and images in their order and return the answer.

        Raises what ``Connection.translated`` raises, and ``gemini_bad_answer``.
        """
        with self._connection.translated() as client:
            answer = client.models.generate_content(
                model=self._config.model,
                contents=contents_of(parts, self._config),
                config=request_config(self._config, instruction, max_output_tokens),
            )
        if not answer.candidates and answer.prompt_feedback is None:
            raise failed("gemini_bad_answer", "answered nothing", None)
        return reply_of(answer, self._config.model)


def contents_of(parts: Sequence[str | PreparedImage], config: GeminiConfig) -> types.Content:
    """Return texts and images in their order as one message."""
    from google.genai import types

    return types.Content(
        role="user",
        parts=[
            types.Part(text=part) if isinstance(part, str) else _image(part, config)
            for part in parts
        ],
    )


def _image(image: PreparedImage, config: GeminiConfig) -> types.Part:
    from google.genai import types

    own = image.resolution != config.request_resolution and config.images_differ
    level = f"MEDIA_RESOLUTION_{image.resolution}".upper()
    return types.Part.from_bytes(
        data=image.content,
        mime_type=image.content_type,
        media_resolution=types.PartMediaResolutionLevel(level) if own else None,
    )


def request_config(
    config: GeminiConfig, instruction: str, max_output_tokens: int
) -> types.GenerateContentConfig:
    """Return what goes with the message. No sampling parameters: models since 3.6 deprecate
    them."""
    from google.genai import types

    thinking = config.thinking_level
    return types.GenerateContentConfig(
        system_instruction=instruction,
        response_mime_type="application/json",
        response_schema=types.Schema.model_validate(RESPONSE_SCHEMA),
        max_output_tokens=max_output_tokens,
        media_resolution=types.MediaResolution(
            f"MEDIA_RESOLUTION_{config.request_resolution}".upper()
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


def reply_of(answer: types.GenerateContentResponse, model: str) -> Reply:
    """Return what matters of an answer; ``model`` was asked."""
    candidate = answer.candidates[0] if answer.candidates else None
    parts = (candidate.content.parts or []) if candidate and candidate.content else []
    feedback, usage = answer.prompt_feedback, answer.usage_metadata
    return Reply(
        text="".join(part.text or "" for part in parts if not part.thought),
        finish=_name(candidate.finish_reason) if candidate else "",
        blocked=(_name(feedback.block_reason) if feedback else "") if candidate is None else "",
        model_version=(answer.model_version or model).removeprefix("models/"),
        input_tokens=(usage.prompt_token_count or 0) if usage else 0,
        output_tokens=((usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0))
        if usage
        else 0,
    )


def reply_of_json(answer: dict[str, Any], model: str) -> Reply:
    """Return what matters of an answer in a file, where the SDK does not read it for us."""
    candidate: dict[str, Any] = next(iter(answer.get("candidates") or ()), {})
    parts = (candidate.get("content") or {}).get("parts") or []
    feedback, usage = answer.get("promptFeedback") or {}, answer.get("usageMetadata") or {}
    output = (usage.get(name) or 0 for name in ("candidatesTokenCount", "thoughtsTokenCount"))
    return Reply(
        text="".join(part.get("text") or "" for part in parts if not part.get("thought")),
        finish=str(candidate.get("finishReason") or ""),
        blocked="" if candidate else str(feedback.get("blockReason") or ""),
        model_version=str(answer.get("modelVersion") or model).removeprefix("models/"),
        input_tokens=int(usage.get("promptTokenCount") or 0),
        output_tokens=sum(int(number) for number in output),
    )


def _name(member: Any) -> str:
    return str(getattr(member, "value", member) or "")

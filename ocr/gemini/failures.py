"""Understand Gemini's refusals: whose fault it is, and when to come back.

Shapes as of google-genai 3.4.0 and ai.google.dev (troubleshooting, rate limits): quotas are per
project and model, a 429 names the quota in ``QuotaFailure`` and the wait in ``RetryInfo``, and a
bad image gives a 400 that does not say which one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from carousel.lib.errors import NotNow, UpstreamError

PACIFIC: Final = ZoneInfo("America/Los_Angeles")
"""Daily quotas are counted from midnight here."""

DEFAULT_WAIT: Final = 60.0
"""Seconds to wait after a 429 that names no time; the shortest quota window is a minute."""

SPLITTABLE: Final = frozenset(("gemini_timeout", "gemini_internal", "gemini_bad_answer"))
"""Codes of failures that a single post may cause, so that a part of the request may still work."""


class RequestRejected(Exception):
    """400: something in this request is not acceptable, most often one of its images."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error answer. ``details`` is the list of google.rpc messages in it."""

    code: int
    status: str
    message: str
    details: tuple[Mapping[str, Any], ...] = ()
    retry_after: float | None = None

    def of_type(self, name: str) -> list[Mapping[str, Any]]:
        """Return the details of one type, for example ``RetryInfo``."""
        return [each for each in self.details if str(each.get("@type", "")).endswith(f".{name}")]


def understand(refusal: Refusal, model: str, now: datetime) -> Exception:
    """Return what to raise for an HTTP error; ``now`` is aware and decides the daily reset."""
    if refusal.code == 429:
        return _quota(refusal, model, now)
    if refusal.code in (401, 403) or _is_about_the_key(refusal):
        return UpstreamError(
            f"Gemini refused the API key ({_said(refusal)}). Check GEMINI_API_KEY, and that the "
            "Gemini API is enabled for its project.",
            code="invalid_key",
            retryable=False,
        )
    if refusal.code == 404:
        return UpstreamError(
            f"Gemini has no model {model} ({_said(refusal)}). It may be retired: "
            "set GEMINI_MODEL to a current one.",
            code="model_not_found",
            retryable=False,
        )
    if refusal.code >= 500 or refusal.code in (408, 499):
        return _outage(refusal)
    if refusal.status == "FAILED_PRECONDITION":
        return UpstreamError(
            f"Gemini does not serve this project or place ({_said(refusal)}). Check the billing "
            "of GEMINI_API_KEY's project, or set OCR_ENGINE=local.",
            code="failed_precondition",
            retryable=False,
        )
    return RequestRejected(_said(refusal))


def seconds_until_reset(now: datetime) -> float:
    """Return the seconds until the next midnight in California, daylight saving included."""
    today = now.astimezone(PACIFIC).date()
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), PACIFIC)
    return max(1.0, midnight.timestamp() - now.timestamp())


def seconds(duration: object) -> float | None:
    """Return a protobuf duration such as ``46.2s`` (or ``{"seconds": 46}``) in seconds."""
    if isinstance(duration, Mapping):
        try:
            return float(duration.get("seconds", 0)) + float(duration.get("nanos", 0)) / 1e9
        except (TypeError, ValueError):
            return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(duration))
    return float(match[1]) if match else None


def _quota(refusal: Refusal, model: str, now: datetime) -> Exception:
    violations = [v for each in refusal.of_type("QuotaFailure") for v in _violations(each)]
    if re.search(r"limit: 0(?![\d.])", refusal.message) or any(
        str(v.get("quotaValue")) == "0" for v in violations
    ):
        return UpstreamError(
            f"GEMINI_API_KEY's project has no quota at all for {model}: waiting will not help. "
            "Enable billing for it, or set GEMINI_MODEL to a model that it may use.",
            code="quota_zero",
            retryable=False,
        )
    if any("PerDay" in str(v.get("quotaId")) for v in violations):
        return NotNow(
            f"Gemini's daily quota for {model} is used up; it is reset at midnight in California.",
            wait=seconds_until_reset(now),
        )
    return NotNow(f"Gemini asks to slow down ({model}).", wait=max(1.0, _wait(refusal)))


def _violations(failure: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = failure.get("violations")
    return [v for v in listed if isinstance(v, Mapping)] if isinstance(listed, list) else []


def _wait(refusal: Refusal) -> float:
    for info in refusal.of_type("RetryInfo"):
        if (wait := seconds(info.get("retryDelay"))) is not None:
            return wait
    if refusal.retry_after is not None:
        return refusal.retry_after
    said = re.search(r"retry in (\d+(?:\.\d+)?)s", refusal.message)
    return float(said[1]) if said else DEFAULT_WAIT


def _is_about_the_key(refusal: Refusal) -> bool:
    reasons = {str(each.get("reason")) for each in refusal.of_type("ErrorInfo")}
    return refusal.code == 400 and (
        "API_KEY_INVALID" in reasons or re.search(r"api key", refusal.message, re.I) is not None
    )


def _outage(refusal: Refusal) -> UpstreamError:
    code = {500: "gemini_internal", 504: "gemini_timeout", 408: "gemini_timeout"}
    return UpstreamError(
        f"Gemini is in trouble ({_said(refusal)}). It will be asked again.",
        code=code.get(refusal.code, "gemini_unavailable"),
        retryable=True,
        retry_after=refusal.retry_after,
    )


def _said(refusal: Refusal) -> str:
    message = " ".join(refusal.message.split())[:200]
    return f"{refusal.code} {refusal.status}: {message}".strip(" :")

"""What each service answers when it fails, and how a good answer is spoiled."""

from __future__ import annotations

import hashlib
from typing import Any

from carousel.sandbox.faults import Service
from carousel.sandbox.wire import Response, as_html, as_json

Json = dict[str, Any]

_SLOW, _RETRY_AFTER = 30.0, 2.0

_API_ERRORS: dict[str, tuple[int, str, str]] = {
    "http_400": (400, "missing_parameter", "You must provide a handle"),
    "http_403": (403, "forbidden", "This video is age restricted"),
    "http_404": (404, "not_found", "Not found. You were not charged for this request."),
    "http_410": (410, "gone", "Gone"),
    "http_500": (500, "internal_error", "Something went wrong"),
    "http_503": (503, "unavailable", "Service unavailable"),
    "http_504": (504, "timeout", "Upstream timed out"),
}
_GOOGLE_STATUS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    410: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def api_error(name: str, credits: int) -> Response | None:
    """ScrapeCreators' answer to a fault, with its envelope; ``None`` if it is no such fault."""
    if name == "http_401":
        return as_json({"success": False, "message": "Invalid API key"}, 401)
    if name == "http_402":
        return as_json({"success": False, "message": "Looks like you're out of credits :("}, 402)
    if name == "not_found_success":
        body: Json = {"success": True, "credits_remaining": credits, "credits_charged": 0}
        return as_json({**body, "message": "Account doesn't exist"}, 404)
    if name not in _API_ERRORS:
        return None
    status, error, message = _API_ERRORS[name]
    return as_json(
        {
            "success": False,
            "credits_remaining": credits,
            "credits_charged": 0,
            "error": error,
            "errorStatus": status,
            "message": message,
        },
        status,
    )


def google_error(
    code: int,
    message: str,
    details: list[Json] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """An error in Google's shape."""
    error: Json = {"code": code, "message": message, "status": _GOOGLE_STATUS.get(code, "UNKNOWN")}
    if details:
        error["details"] = details
    return as_json({"error": error}, code, headers)


def quota(
    model: str, *, per_day: bool = False, limit: int = 5, wait: float | None = None
) -> Response:
    """Gemini's 429; ``wait`` in seconds adds RetryInfo and Retry-After."""
    span = "PerDay" if per_day else "PerMinute"
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    message = (
        "You exceeded your current quota, please check your plan and billing details.\n"
        f"* Quota exceeded for metric: {metric}, limit: {limit}, model: {model}"
    )
    violation = {
        "quotaMetric": metric,
        "quotaId": f"GenerateRequests{span}PerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": str(limit),
    }
    details: list[Json] = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    ]
    if wait is None:
        return google_error(429, message, details)
    delay = f"{wait:g}s"
    details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    message += f"\nPlease retry in {delay}."
    return google_error(429, message, details, {"Retry-After": f"{wait:g}"})


def _gemini_error(name: str) -> Response | None:
    if name in ("http_401", "http_400"):
        message = "API key not valid. Please pass a valid API key."
        return google_error(400, message if name == "http_401" else "Invalid argument.")
    if name == "bad_image":
        return google_error(400, "Unable to process input image. Please retry or report.")
    if name.startswith("http_") and name[5:].isdigit():
        return google_error(int(name[5:]), f"The stand-in was asked to answer {name[5:]}.")
    return None


def _cdn_error(name: str) -> Response | None:
    if name.startswith("http_") and name[5:].isdigit():
        return cdn_denied(int(name[5:]))
    return cdn_denied(403) if name == "expired" else None


def cdn_denied(status: int) -> Response:
    """What the CDN answers to a link that does not open."""
    word = {403: "Access Denied", 404: "Not Found", 410: "Gone"}.get(status, "Error")
    return as_html(status, word)


def instead(
    service: Service, name: str, seconds: float | None, *, credits: int, model: str = ""
) -> Response | None:
    """The whole answer that a fault puts in place of the real one, or ``None``."""
    if name == "dropped":
        return Response(drop=True)
    if name == "empty_body":
        return Response()
    if name in ("html_200", "http_502_html"):
        ok = name == "html_200"
        return as_html(200 if ok else 502, "Just a moment..." if ok else "502 Bad Gateway")
    if name in ("http_429", "http_429_after"):
        wait = None if name == "http_429" else (seconds or _RETRY_AFTER)
        return _too_many(service, wait, model)
    if service == "api":
        return api_error(name, credits)
    return _gemini_error(name) if service == "gemini" else _cdn_error(name)


def _too_many(service: Service, wait: float | None, model: str) -> Response:
    if service == "gemini":
        return quota(model, wait=wait)
    headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
    return as_json({"success": False, "message": "Too many requests"}, 429, headers)


def spoil(name: str, answer: Response, seconds: float | None) -> None:
    """Damage a good answer, in place."""
    if name == "slow":
        answer.wait = _SLOW if seconds is None else seconds
    elif name == "truncated":
        answer.send = len(answer.body) // 2
    elif name == "text_plain":
        answer.headers["Content-Type"] = "text/plain"
    elif name == "zero_bytes":
        answer.body = b""
    elif name == "garbage":
        answer.body = hashlib.shake_256(b"garbage").digest(len(answer.body))
    elif name == "lying_type":
        picture = answer.headers.get("Content-Type", "").startswith("image/")
        answer.headers["Content-Type"] = "video/mp4" if picture else "application/octet-stream"

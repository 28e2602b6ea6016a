"""Every error of the API: JSON in words that people can act on, with a code for machines."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from django.core import signals
from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from carousel.lib.errors import NotNow, UpstreamError

logger = logging.getLogger(__name__)

CODES = {
    400: "invalid",
    401: "not_authenticated",
    402: "out_of_credits",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
    500: "error",
    502: "upstream_error",
    503: "upstream_unavailable",
}
# Upstream codes that mean "later", whatever else they are; see carousel.lib.http.status_code.
LATER = frozenset({"rate_limited", "unavailable", "upstream_unavailable", "timeout"})
UNUSABLE = frozenset({"malformed_answer", "answer_truncated", "answer_too_large", "tiktok_error"})


class ApiProblem(Exception):
    """An answer that is an error: HTTP status, snake_case code, words, and field errors if any."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Mapping[str, list[str]] | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``retry_after`` is in seconds."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"detail": self.detail, "code": self.code}
        return body if self.fields is None else {**body, "fields": self.fields}


def missing(what: str, key: object) -> ApiProblem:
    """404: there is no such thing."""
    return ApiProblem(404, "not_found", f"There is no {what} with the id {str(key)[:80]!r}.")


def conflict(code: str, detail: str) -> ApiProblem:
    """409: the request fits ill with what is there."""
    return ApiProblem(409, code, detail)


def invalid(fields: Mapping[str, list[str]]) -> ApiProblem:
    """400: these fields can't be used, for these reasons."""
    told = " ".join(f"{name}: {' '.join(words)}" for name, words in fields.items())
    return ApiProblem(400, "invalid", told[:1000], fields=fields)


def answer_error(exc: Exception, context: Mapping[str, Any]) -> Response:
    """The answer for whatever a view raised; what nobody expected is a 500 that Sentry hears of."""
    problem = problem_of(exc)
    if problem is None:
        request = context["request"]._request
        logger.error("%s %s failed", request.method, request.path, exc_info=exc)
        signals.got_request_exception.send(sender=None, request=request)
        problem = unexpected()
    return Response(problem.body, status=problem.status, headers=problem.headers)


def problem_of(exc: Exception) -> ApiProblem | None:
    """What to say about an exception; None for a bug of ours."""
    if isinstance(exc, ApiProblem):
        return exc
    for kind, translate in TRANSLATIONS:
        if isinstance(exc, kind):
            return translate(exc)
    return None


def unexpected() -> ApiProblem:
    return ApiProblem(500, "error", "Something went wrong on our side. It has been recorded.")


def _from_framework(exc: exceptions.APIException) -> ApiProblem:
    if isinstance(exc, exceptions.ValidationError):
        return invalid(_flatten(exc.detail))
    code = str(getattr(exc.detail, "code", None) or CODES.get(exc.status_code, "error"))
    if exc.status_code == 403 and str(exc.detail).startswith("CSRF"):
        code = "csrf_failed"
    headers = {"WWW-Authenticate": exc.auth_header} if hasattr(exc, "auth_header") else {}
    return ApiProblem(
        exc.status_code,
        "invalid_json" if code == "parse_error" else code,
        str(exc.detail),
        headers=headers,
        retry_after=getattr(exc, "wait", None),
    )


def _flatten(detail: Any) -> dict[str, list[str]]:
    """Field errors as lists of sentences; errors inside a list say which item they are about."""
    if isinstance(detail, Mapping):
        return {
            "body" if name == "non_field_errors" else str(name): list(_sentences(errors))
            for name, errors in detail.items()
        }
    return {"body": list(_sentences(detail))}


def _sentences(errors: Any) -> list[str]:
    if isinstance(errors, Mapping):
        return [
            f"Item {key}: {sentence}" if isinstance(key, int) else f"{key}: {sentence}"
            for key, inner in errors.items()
            for sentence in _sentences(inner)
        ]
    if isinstance(errors, list):
        return [sentence for inner in errors for sentence in _sentences(inner)]
    return [str(errors)]


def _from_upstream(exc: UpstreamError) -> ApiProblem:
    if exc.code in ("out_of_credits", "budget_exhausted"):
        return ApiProblem(402, exc.code, str(exc), retry_after=exc.retry_after)
    if exc.code == "not_found":
        return ApiProblem(404, "not_found", str(exc))
    if (exc.retryable or exc.code in LATER) and exc.code not in UNUSABLE:
        wait = exc.retry_after if exc.retry_after is not None else 60
        return ApiProblem(503, "upstream_unavailable", str(exc), retry_after=wait)
    return ApiProblem(502, "upstream_error", str(exc))


def _from_limit(exc: NotNow) -> ApiProblem:
    return ApiProblem(503, "upstream_unavailable", str(exc), retry_after=exc.wait)


def _from_database(exc: Exception) -> ApiProblem:
    logger.error("The database failed", exc_info=exc)
    words = "The database does not answer. Try again in a moment."
    return ApiProblem(503, "database_unavailable", words, retry_after=5)


def _from_data(exc: Exception) -> ApiProblem:
    logger.warning("The database refused a value: %s", exc)
    return ApiProblem(400, "invalid", "A value is of a kind or size that can't be stored.")


TRANSLATIONS: tuple[tuple[type[Exception], Callable[[Any], ApiProblem]], ...] = (
    (exceptions.APIException, _from_framework),
    (UpstreamError, _from_upstream),
    (NotNow, _from_limit),
    (Http404, lambda exc: ApiProblem(404, "not_found", "There is nothing at this address.")),
    (ObjectDoesNotExist, lambda exc: ApiProblem(404, "not_found", "It is not there any more.")),
    (PermissionDenied, lambda exc: ApiProblem(403, "permission_denied", str(exc) or "Forbidden.")),
    (
        RequestDataTooBig,
        lambda exc: ApiProblem(413, "too_large", "The body is too large: send less."),
    ),
    (MultiPartParserError, lambda exc: ApiProblem(400, "invalid", "The form can't be read.")),
    (SuspiciousOperation, lambda exc: ApiProblem(400, "invalid", "The request can't be used.")),
    (OperationalError, _from_database),
    (InterfaceError, _from_database),
    (DataError, _from_data),
)


# --- Outside of the API's views: Django's own handlers --------------------------------------


def is_api(request: HttpRequest) -> bool:
    """Whether the answer goes to a program rather than to a person."""
    return request.path.startswith(("/api", "/media/", "/healthz", "/readyz"))


def json_problem(problem: ApiProblem) -> JsonResponse:
    """The same answer, from a view that is not one of the framework's."""
    return JsonResponse(problem.body, status=problem.status, headers=problem.headers)


def unknown_path(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    """404 for a path under /api that does not exist."""
    words = f"There is nothing at {request.path[:200]!r}."
    if request.path.endswith("/"):
        words += " Paths have no slash at their end."
    return json_problem(ApiProblem(404, "not_found", words))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    if not is_api(request):
        return defaults.bad_request(request, exception)
    words = "The request can't be used."
    return json_problem(problem_of(exception) or ApiProblem(400, "invalid", words))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if not is_api(request):
        return defaults.page_not_found(request, exception)
    return unknown_path(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Touches nothing that may be what is broken."""
    if not is_api(request):
        return defaults.server_error(request)
    return json_problem(unexpected())

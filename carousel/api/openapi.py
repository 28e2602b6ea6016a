"""How an operation is described, so that the schema says all that the code does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers

F = TypeVar("F", bound=Callable[..., Any])
Shape = type[serializers.Serializer[Any]]

WORDS = {
    400: "Something in the request can't be used; `fields` says what, where a field is to blame.",
    401: "No credentials, or bad ones.",
    402: "ScrapeCreators is out of credits.",
    403: "Not allowed: staff only, or a session without its CSRF token.",
    404: "There is no such thing.",
    409: "It fits ill with what is there.",
    413: "The body is too large.",
    415: "Send JSON.",
    429: "Too many requests; `Retry-After` says when to go on.",
    502: "ScrapeCreators or TikTok gave an answer that can't be used.",
    503: "ScrapeCreators or TikTok is out of reach; `Retry-After` says when to try again.",
}


class ErrorSerializer(serializers.Serializer[Any]):
    """What every error looks like."""

    detail = serializers.CharField(help_text="What happened and what to do.")
    code = serializers.CharField(help_text="A stable word for machines.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong with which field.",
    )


def page_of(shape: Shape, **more: serializers.BaseSerializer[Any]) -> Shape:
    """The shape of a list of ``shape``, with ``more`` beside its results."""
    name = shape.__name__.removesuffix("Serializer") + "Page"
    fields = {
        "count": serializers.IntegerField(min_value=0),
        "countIsEstimate": serializers.BooleanField(
            help_text="True where counting would be slow and the planner's estimate is given."
        ),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": shape(many=True),
        **more,
    }
    described = {"__doc__": None, "__module__": shape.__module__, **fields}
    page: Shape = type(f"{name}Serializer", (serializers.Serializer,), described)
    return extend_schema_serializer(many=False)(page)


def operation(
    operation_id: str,
    summary: str,
    *,
    answers: Mapping[int, Shape | None] | None = None,
    files: Sequence[str] = (),
    query: Shape | None = None,
    body: Shape | None = None,
    text_bodies: Sequence[str] = (),
    path: Mapping[str, str] | None = None,
    errors: Sequence[int] = (),
    tag: str = "tiktok",
) -> Callable[[F], F]:
    """Describe a view's method. 401 and 429, and what a body or a query brings, come by themselves
    (the health checks are public).

    ``text_bodies`` are media types that a body may have besides JSON.
    ``files`` are the media types of an answer (200) that is a file. ``path`` maps the names in the
    path to what they mean; those called ``id`` are UUIDs.
    """
    statuses = {*errors} if tag == "health" else {401, 429, *errors}
    statuses |= {400, 413, 415} if body else set()
    statuses |= {400, 404} if query else set()
    described: dict[int, Any] = {
        status: OpenApiResponse(ErrorSerializer, WORDS[status]) for status in sorted(statuses)
    }
    parameters: list[Any] = [
        OpenApiParameter(
            name,
            OpenApiTypes.UUID if name == "id" else OpenApiTypes.STR,
            OpenApiParameter.PATH,
            description=words,
        )
        for name, words in (path or {}).items()
    ]
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        tags=[tag],
        parameters=[*parameters, *([query] if query else [])],
        request=_bodies(body, text_bodies) if text_bodies else body,
        responses={**dict(answers or {}), **_files(files), **described},
    )


def _bodies(body: Shape | None, media_types: Sequence[str]) -> dict[str, Any]:
    """JSON, or text in one of these types."""
    return {"application/json": body, **dict.fromkeys(media_types, OpenApiTypes.STR)}


def _files(media_types: Sequence[str]) -> dict[tuple[int, str], Any]:
    """A file to be saved, in one of these types."""
    words = "The file, sent while it is made."
    return {
        (200, media_type): OpenApiResponse(OpenApiTypes.BINARY, words) for media_type in media_types
    }

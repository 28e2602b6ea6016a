"""What clients send, checked once at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.http import QueryDict
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from carousel.api.errors import ApiProblem, missing


class StrictJSONParser(JSONParser):
    """JSON that fits into memory and onto the stack."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The decoded body. Raises ApiProblem 413 and ParseError."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 2_621_440
        request = (parser_context or {}).get("request")
        length = request.META.get("CONTENT_LENGTH") if request is not None else None
        if length and str(length).isdecimal() and int(length) > most:
            raise ApiProblem(413, "too_large", f"The body is larger than {most} bytes: send less.")
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None


class TextParser(BaseParser):
    """A list as text; the bytes as they came."""

    media_type = "text/*"

    def parse(  # type: ignore[override]  # whoever reads it knows that it is no mapping
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body. Raises ApiProblem 413."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 2_621_440
        body: bytes = stream.read(most + 1)
        if len(body) > most:
            raise ApiProblem(413, "too_large", f"The body is larger than {most} bytes: send less.")
        return body


def read_query(request: Request, shape: type[Serializer[Any]]) -> dict[str, Any]:
    """The query parameters as ``shape`` declares them. An empty one counts as not given.

    Raises ValidationError, which is answered as 400 with the names of the fields.
    """
    given = {name: value for name, value in request.query_params.items() if value != ""}
    return _validated(shape(data=given))


def read_body(
    request: Request, shape: type[Serializer[Any]], *, partial: bool = False
) -> dict[str, Any]:
    """The body as ``shape`` declares it; an unknown field is refused, so no typing error is lost.

    Raises ValidationError, which is answered as 400 with the names of the fields.
    """
    data = request.data
    if isinstance(data, QueryDict):  # no body at all
        data = data.dict()
    if not isinstance(data, dict):
        raise ApiProblem(400, "invalid", "Send a JSON object.")
    serializer = shape(data=data, partial=partial)
    known = serializer.fields
    if unknown := [str(name) for name in data if name not in known]:
        words = [f"There is no such field here. There is: {', '.join(known) or 'none'}."]
        raise ValidationError(dict.fromkeys(unknown, words))
    values = _validated(serializer)
    if partial and not values:
        raise ApiProblem(400, "invalid", f"Nothing to change: give {' or '.join(known)}.")
    return values


def parse_id(text: str, what: str) -> UUID:
    """The UUID in a path. What is none can't be found: raises ApiProblem 404."""
    try:
        return UUID(text)
    except ValueError:
        raise missing(what, text) from None


def _validated(serializer: Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values

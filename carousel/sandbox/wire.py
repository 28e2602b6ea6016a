"""Requests and answers as the sandbox's parts see them: raw targets, raw bytes, and ill manners."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Json = Any


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``target`` is the request line's, byte for byte; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; the last one of a name wins, empty ones are dropped."""
        return dict(parse_qsl(urlsplit(self.target).query))

    def json(self) -> Json:
        """The body as JSON; raises ``ValueError`` when it is none."""
        return json.loads(self.body or b"{}")


@dataclass(slots=True)
class Response:
    """One answer, and how badly it is sent.

    ``wait`` seconds pass before it; ``send`` limits how many bytes of the body really go out (the
    promised length stays); ``drop`` closes the connection without a byte.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    send: int | None = None
    drop: bool = False


def as_json(
    body: Json,
    status: int = 200,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json; charset=utf-8",
) -> Response:
    """A JSON answer. Lone surrogates go out as ``\\udXXX`` escapes, as JavaScript writes them."""
    # ASCII only: what TikTok's clients see is escaped the same way when it is not valid Unicode.
    encoded = json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()
    return Response(status, encoded, {"Content-Type": content_type, **(headers or {})})


def as_html(status: int, title: str) -> Response:
    """The page that a gateway answers."""
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body><center><h1>{title}</h1></center></body>\r\n</html>\r\n"
    )
    return Response(status, page.encode(), {"Content-Type": "text/html"})

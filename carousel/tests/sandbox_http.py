"""A plain HTTP client for the sandbox's tests: sends targets byte for byte, follows nothing."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from carousel.sandbox.server import Sandbox


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def fetch(url: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """One request on a connection of its own; header names take ``_`` for ``-``."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        target = url.split(parts.netloc, 1)[1]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, named)
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, response.read())
    finally:
        connection.close()


def api(sandbox: Sandbox, path: str, key: str = "k", **query: str) -> Answer:
    """A ScrapeCreators call."""
    return fetch(f"{sandbox.url}{path}?{urlencode(query)}", x_api_key=key)


def control(sandbox: Sandbox, page: str, method: str = "GET", **body: Any) -> Any:
    """A ``/-/`` page."""
    sent = json.dumps(body).encode() if body else None
    return fetch(f"{sandbox.url}/-/{page}", method=method, body=sent).json()

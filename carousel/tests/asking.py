"""Asking the API in tests."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from carousel.management.commands.create_token import token_for


def client_for(name: str, *, staff: bool = False) -> APIClient:
    """A client with the token of a user of its own."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_for(name, staff=staff)}")
    return client


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of an answer that must be this error, in JSON and in words."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert len(body["detail"]) > 8
    return body

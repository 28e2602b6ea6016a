"""Clients of the API, and its own schema as the judge of its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient


def client_for(name: str, *, staff: bool = False) -> APIClient:
    user = get_user_model().objects.create(username=name, is_staff=staff)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
    return client


@pytest.fixture
def api(db: None) -> APIClient:
    """A client with a token of an ordinary user."""
    return client_for("someone")


@pytest.fixture
def staff_api(db: None) -> APIClient:
    """A client with a token of a member of the staff."""
    return client_for("boss", staff=True)


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    """The OpenAPI document."""
    generator: Any = SchemaGenerator
    document: dict[str, Any] = generator().get_schema(request=None, public=True)
    return document


@pytest.fixture(scope="session")
def conforms(schema: dict[str, Any]) -> Callable[[Any, str], None]:
    """Check that a body is what a component of the schema says, no field missing."""

    def check(body: Any, component: str) -> None:
        wanted = {"$ref": f"#/components/schemas/{component}", "components": schema["components"]}
        Draft202012Validator(wanted).validate(body)
        known = schema["components"]["schemas"][component]
        assert set(body) == set(known["properties"])

    return check

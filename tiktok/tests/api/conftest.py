"""Clients of the API, and its own schema as the judge of its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from rest_framework.test import APIClient

from carousel.tests.asking import client_for


@pytest.fixture
def api(db: None) -> APIClient:
    """A client with a token of an ordinary user."""
    return client_for("someone")


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

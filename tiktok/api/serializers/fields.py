"""What many shapes are made of."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

Shape = serializers.Serializer[Any]


def number(help_text: str = "") -> serializers.IntegerField:
    """A count that may be unknown."""
    return serializers.IntegerField(allow_null=True, help_text=help_text)


def moment(help_text: str = "") -> serializers.DateTimeField:
    """A time that may not have come."""
    return serializers.DateTimeField(allow_null=True, help_text=help_text)

"""How Django REST framework and its OpenAPI generator are set up."""

from __future__ import annotations

from typing import Any


def rest_framework(rate: str) -> dict[str, Any]:
    """``REST_FRAMEWORK``; ``rate`` is what one user may ask, such as ``6000/min``."""
    return {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "carousel.api.credentials.ApiToken",
            "rest_framework.authentication.SessionAuthentication",
        ],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["carousel.api.bodies.StrictJSONParser"],
        "DEFAULT_CONTENT_NEGOTIATION_CLASS": "carousel.api.negotiation.AlwaysAnswer",
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        "EXCEPTION_HANDLER": "carousel.api.errors.answer_error",
        "DEFAULT_THROTTLE_CLASSES": ["carousel.api.credentials.ApiRate"],
        "DEFAULT_THROTTLE_RATES": {"user": rate},
        "COERCE_DECIMAL_TO_STRING": False,
    }


OPENAPI: dict[str, Any] = {
    "TITLE": "Carousel",
    "DESCRIPTION": "Watches TikTok carousels, keeps every slide and reads what it says.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_NAME_OVERRIDES": {
        "WorkStatus": "carousel.lib.work.Status",
        "ContentType": "tiktok.models.ContentType",
        "SlideType": "ocr.models.SlideType",
        "Source": "ocr.models.Source",
    },
}

"""The schema, and pages to browse it; nothing is loaded from elsewhere."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseBase, JsonResponse
from django.shortcuts import resolve_url
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer2
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class JsonErrors(APIView):
    """A view whose answers are something else than JSON, but not its errors."""

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        answer = super().handle_exception(exc)
        headers = {name: value for name, value in answer.items() if name != "Content-Type"}
        return JsonResponse(answer.data, status=answer.status_code, headers=headers)


@extend_schema(exclude=True)
class SchemaView(JsonErrors, SpectacularAPIView):
    """OpenAPI 3.1, as JSON, or as YAML for who accepts only that."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiYamlRenderer2]


class DocsView(JsonErrors, SpectacularSwaggerView):
    """The schema to read and try. A browser without a session is sent to the login."""

    url_name = "schema"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return page

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        accepts = self.request.headers.get("Accept", "")
        if isinstance(exc, NotAuthenticated) and "text/html" in accepts:
            return redirect_to_login(self.request.get_full_path(), resolve_url("admin:login"))
        return super().handle_exception(exc)

"""Every path. The only file that sees every app."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from carousel.api import errors
from carousel.api.docs import DocsView, SchemaView
from carousel.api.queues import ClearQueueView, QueuesView, RetryFailedView
from carousel.health import HealthView, ReadinessView
from carousel.metrics import MetricsView
from media_cache.api.files import serve_media

admin_pages = RedirectView.as_view(pattern_name="admin:index")

urlpatterns = [
    path("", admin_pages),
    path("admin", admin_pages),
    path("admin/", admin.site.urls),
    path("api/tiktok/", include("tiktok.api.urls")),
    path("api/media/", include("media_cache.api.urls")),
    path("api/queues", QueuesView.as_view()),
    path("api/queues/<str:name>/clear", ClearQueueView.as_view()),
    path("api/queues/<str:name>/retry-failed", RetryFailedView.as_view()),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", DocsView.as_view(), name="docs"),
    re_path(r"^api(?:/[\s\S]*)?$", errors.unknown_path),
    path("media/<path:key>", serve_media),
    path("healthz", HealthView.as_view()),
    path("readyz", ReadinessView.as_view()),
    path("metrics", MetricsView.as_view()),
]

handler400 = errors.bad_request
handler404 = errors.not_found
handler500 = errors.server_error

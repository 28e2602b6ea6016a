from __future__ import annotations

from django.urls import path

from media_cache.api.views import AssetView

urlpatterns = [path("assets/<str:id>", AssetView.as_view())]

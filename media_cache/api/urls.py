from __future__ import annotations

from django.urls import path

from media_cache.api.views import AssetView, SimilarView

urlpatterns = [
    path("assets/<str:id>", AssetView.as_view()),
    path("assets/<str:id>/similar", SimilarView.as_view()),
]

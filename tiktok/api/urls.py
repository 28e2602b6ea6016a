from __future__ import annotations

from django.urls import path

from tiktok.api.views.categories import CategoriesView, CategoryView
from tiktok.api.views.credits import CreditsView
from tiktok.api.views.exporting import (
    MetricsExportView,
    PostArchiveView,
    PostMetricsExportView,
    PostsExportView,
    ProfileArchiveView,
    ProfileMetricsExportView,
    ProfilesExportView,
    RunsExportView,
    SlidesExportView,
)
from tiktok.api.views.importing import ImportProfilesView
from tiktok.api.views.learning import CopiesView, HooksView, PatternsView
from tiktok.api.views.monitoring import BulkMonitoringView, MonitoringView, RunsView, TriggerView
from tiktok.api.views.posts import (
    PostCategoryView,
    PostMetricsView,
    PostsView,
    PostView,
    SlideView,
)
from tiktok.api.views.profiles import (
    AddProfileView,
    ProfileMetricsView,
    ProfilesView,
    ProfileView,
)
from tiktok.api.views.reading import BulkOcrView, PostOcrView
from tiktok.api.views.search import SearchView

urlpatterns = [
    path("profiles", ProfilesView.as_view()),
    path("profiles/add", AddProfileView.as_view()),
    path("profiles/import", ImportProfilesView.as_view()),
    path("profiles/bulk/monitoring", BulkMonitoringView.as_view()),
    path("profiles/export", ProfilesExportView.as_view()),
    path("profiles/<str:id>", ProfileView.as_view()),
    path("profiles/<str:id>/monitoring", MonitoringView.as_view()),
    path("profiles/<str:id>/monitoring/trigger", TriggerView.as_view()),
    path("profiles/<str:id>/metrics", ProfileMetricsView.as_view()),
    path("credits", CreditsView.as_view()),
    path("profiles/<str:id>/metrics/export", ProfileMetricsExportView.as_view()),
    path("profiles/<str:id>/archive", ProfileArchiveView.as_view()),
    path("runs", RunsView.as_view()),
    path("runs/export", RunsExportView.as_view()),
    path("posts", PostsView.as_view()),
    path("posts/bulk-ocr", BulkOcrView.as_view()),
    path("posts/export", PostsExportView.as_view()),
    path("posts/metrics/export", MetricsExportView.as_view()),
    path("posts/<str:id>", PostView.as_view()),
    path("posts/<str:id>/ocr", PostOcrView.as_view()),
    path("posts/<str:id>/slides/<str:position>", SlideView.as_view()),
    path("posts/<str:id>/category", PostCategoryView.as_view()),
    path("posts/<str:id>/metrics", PostMetricsView.as_view()),
    path("posts/<str:id>/metrics/export", PostMetricsExportView.as_view()),
    path("posts/<str:id>/archive", PostArchiveView.as_view()),
    path("categories", CategoriesView.as_view()),
    path("categories/<str:id>", CategoryView.as_view()),
    path("search", SearchView.as_view()),
    path("hooks", HooksView.as_view()),
    path("patterns", PatternsView.as_view()),
    path("copies", CopiesView.as_view()),
    path("search/export", SlidesExportView.as_view()),
]

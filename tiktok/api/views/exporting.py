"""Lists as files, and posts as archives."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from carousel.api.bodies import read_query
from carousel.api.openapi import operation
from carousel.lib.downloads import download, table_download
from carousel.lib.tabular import FORMATS
from tiktok.api.exports import (
    MetricsExportQuery,
    PeriodExportQuery,
    PostExportQuery,
    ProfileExportQuery,
    RunExportQuery,
    SlideExportQuery,
    slides_matching,
    snapshots_matching,
)
from tiktok.api.filters import during, posts_matching, profiles_matching, runs_matching
from tiktok.api.views.finding import find_post, find_profile
from tiktok.models import PostMetrics, ProfileMetrics
from tiktok.services import exporting
from tiktok.services.archiving import archive_post, archive_profile

TABLES = [kind.content_type.partition(";")[0] for kind in FORMATS.values()]
ZIP = "application/zip"


class PostsExportView(APIView):
    """The list of posts as a file."""

    @operation("exportPosts", "Export posts", query=PostExportQuery, files=TABLES)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Every post that the filters leave, with its numbers and what its slides say."""
        query = read_query(request, PostExportQuery)
        return table_download(exporting.POSTS, posts_matching(query), query["format"])


class ProfilesExportView(APIView):
    """The list of profiles as a file."""

    @operation("exportProfiles", "Export profiles", query=ProfileExportQuery, files=TABLES)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Every profile that the filters leave, with the sums over its posts."""
        query = read_query(request, ProfileExportQuery)
        return table_download(exporting.PROFILES, profiles_matching(query), query["format"])


class RunsExportView(APIView):
    """The list of runs as a file."""

    @operation("exportRuns", "Export runs", query=RunExportQuery, files=TABLES)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Every run that the filters leave: what it found, and what it cost."""
        query = read_query(request, RunExportQuery)
        return table_download(exporting.RUNS, runs_matching(query), query["format"])


class SlidesExportView(APIView):
    """Slides as a file."""

    @operation("exportSlides", "Export slides", query=SlideExportQuery, files=TABLES)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Every slide that says `q`, or every one that was read, and the posts that show it."""
        query = read_query(request, SlideExportQuery)
        return table_download(exporting.SLIDES, slides_matching(query), query["format"])


class MetricsExportView(APIView):
    """Posts' numbers over time as a file."""

    @operation("exportMetrics", "Export numbers over time", query=MetricsExportQuery, files=TABLES)
    def get(self, request: Request) -> StreamingHttpResponse:
        """Every snapshot of every post that the filters leave."""
        query = read_query(request, MetricsExportQuery)
        return table_download(exporting.POST_METRICS, snapshots_matching(query), query["format"])


class PostMetricsExportView(APIView):
    """A post's numbers over time as a file."""

    @operation(
        "exportPostMetrics",
        "Export a post's numbers over time",
        path={"id": "The post's id."},
        query=PeriodExportQuery,
        files=TABLES,
    )
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        """Its snapshots, oldest first."""
        query = read_query(request, PeriodExportQuery)
        rows = during(PostMetrics.objects.filter(post=find_post(id)), query)
        return table_download(exporting.POST_METRICS, rows, query["format"])


class ProfileMetricsExportView(APIView):
    """A profile's numbers over time as a file."""

    @operation(
        "exportProfileMetrics",
        "Export a profile's numbers over time",
        path={"id": "The profile's id."},
        query=PeriodExportQuery,
        files=TABLES,
    )
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        """Its snapshots, oldest first."""
        query = read_query(request, PeriodExportQuery)
        rows = during(ProfileMetrics.objects.filter(profile=find_profile(id)), query)
        return table_download(exporting.PROFILE_METRICS, rows, query["format"])


class PostArchiveView(APIView):
    """A post as a ZIP."""

    @operation(
        "archivePost",
        "Download a post",
        path={"id": "The post's id."},
        files=[ZIP],
        errors=[404, 503],
    )
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        """Its files as we keep them, and `manifest.json` with texts, numbers and hashes."""
        post = find_post(id)
        return download(f"{post.tiktok_id}.zip", ZIP, archive_post(post))


class ProfileArchiveView(APIView):
    """A profile as a ZIP."""

    @operation(
        "archiveProfile",
        "Download a profile",
        path={"id": "The profile's id."},
        files=[ZIP],
        errors=[404, 503],
    )
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        """The files of all its posts, and `manifest.json` with texts, numbers and hashes."""
        profile = find_profile(id)
        name = profile.handle or profile.tiktok_user_id
        return download(f"{name}.zip", ZIP, archive_profile(profile))

"""Profiles, and what they looked like over time."""

from __future__ import annotations

from django.db.models.functions import Now
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import parse_id, read_body, read_query
from carousel.api.errors import ApiProblem
from carousel.api.links import base_url
from carousel.api.openapi import operation, page_of
from carousel.api.pages import paginate
from carousel.api.times import iso
from tiktok import services
from tiktok.api.answers import profile_answer, profile_answers, run_answer
from tiktok.api.bodies import AddProfileBody, ProfilePatch, wanted_schedule
from tiktok.api.filters import PeriodQuery, ProfileQuery, during, profiles_matching
from tiktok.api.serializers import AddedSerializer, ProfileMetricsSerializer, ProfileSerializer
from tiktok.api.views.finding import find_profile
from tiktok.models import ProfileMetrics, TikTokProfile

ID = {"id": "The profile's id."}
# What is written as it is.
PLAIN = {
    "isOwnProfile": "is_own_profile",
    "monitoringMinMinutes": "monitoring_min_minutes",
    "monitoringMaxMinutes": "monitoring_max_minutes",
    "creditBudgetPerMonth": "credit_budget_per_month",
}


class ProfilesView(APIView):
    """All profiles."""

    @operation(
        "listProfiles",
        "List profiles",
        query=ProfileQuery,
        answers={200: page_of(ProfileSerializer)},
    )
    def get(self, request: Request) -> Response:
        """Profiles with their avatars and the sums over their posts."""
        query = read_query(request, ProfileQuery)
        page = paginate(profiles_matching(query), query)
        return page.answer(request, profile_answers(page.keys, base_url(request)))


class AddProfileView(APIView):
    """A new profile."""

    @operation(
        "addProfile",
        "Add a profile",
        body=AddProfileBody,
        answers={200: AddedSerializer, 201: AddedSerializer},
        errors=[402, 404, 502, 503],
    )
    def post(self, request: Request) -> Response:
        """Store the profile and its first page of posts, queue the rest, and watch it from now on.

        201 if it is new, 200 if it was known.
        """
        body = read_body(request, AddProfileBody)
        try:
            added = services.add_profile(body["handle"], is_own_profile=body["isOwnProfile"])
        except services.BadHandle as exc:
            raise ApiProblem(400, "invalid", str(exc), fields={"handle": [str(exc)]}) from exc
        answer = {
            "profile": profile_answer(added.profile.pk, base_url(request)),
            "created": added.created,
            "stats": {
                "postsCreated": added.posts_created,
                "postsUpdated": added.posts_updated,
                "totalPosts": added.total_posts,
            },
            "run": run_answer(added.run) if added.run else None,
            "processing": added.run is not None,
        }
        return Response(answer, status=201 if added.created else 200)


class ProfileView(APIView):
    """One profile."""

    @operation(
        "getProfile", "Get a profile", path=ID, answers={200: ProfileSerializer}, errors=[404]
    )
    def get(self, request: Request, id: str) -> Response:
        """The profile as last seen."""
        return Response(profile_answer(parse_id(id, "profile"), base_url(request)))

    @operation(
        "changeProfile",
        "Change a profile",
        path=ID,
        body=ProfilePatch,
        answers={200: ProfileSerializer},
        errors=[404],
    )
    def patch(self, request: Request, id: str) -> Response:
        """Say whether it is one's own, and whether and how often it is checked."""
        profile = find_profile(id)
        body = read_body(request, ProfilePatch, partial=True)
        plain = {column: body[name] for name, column in PLAIN.items() if name in body}
        if plain:
            TikTokProfile.objects.filter(pk=profile.pk).update(**plain, updated_at=Now())
        if body.keys() & {"monitoringEnabled", "monitoringIntervalMinutes"}:
            services.set_monitoring(
                [profile.pk],
                enabled=body.get("monitoringEnabled", profile.monitoring_enabled),
                **wanted_schedule(body, "monitoringIntervalMinutes"),
            )
        return Response(profile_answer(profile.pk, base_url(request)))

    @operation("deleteProfile", "Delete a profile", path=ID, answers={204: None}, errors=[404])
    def delete(self, request: Request, id: str) -> Response:
        """Forget the profile, its posts, their readings and their numbers."""
        services.delete_profile(find_profile(id))
        return Response(status=204)


class ProfileMetricsView(APIView):
    """A profile's numbers over time."""

    @operation(
        "getProfileMetrics",
        "Get a profile's numbers over time",
        path=ID,
        query=PeriodQuery,
        answers={200: ProfileMetricsSerializer},
    )
    def get(self, request: Request, id: str) -> Response:
        """One entry at first sight and one whenever a number had moved, oldest first."""
        query = read_query(request, PeriodQuery)
        rows = during(ProfileMetrics.objects.filter(profile=find_profile(id)), query)
        columns = ("captured_at", "follower_count", "following_count", "like_count", "video_count")
        names = (
            *("followerCount", "followingCount", "likeCount", "videoCount"),
            *("approximate", "decreased"),
        )
        return Response(
            {
                "results": [
                    {"capturedAt": iso(at), **dict(zip(names, numbers, strict=True))}
                    for at, *numbers in rows.values_list(*columns, "approximate", "decreased")
                ]
            }
        )

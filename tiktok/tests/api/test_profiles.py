"""Profiles: adding, listing, changing, deleting."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tiktok.models import ProfileMetrics, TikTokPost, TikTokProfile
from tiktok.tests.api.world import START, make_asset, make_post, make_profile

pytestmark = pytest.mark.django_db


def handles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [result["handle"] for result in answer.json()["results"]]


def test_a_profile_has_every_field(api: APIClient, conforms: Any) -> None:
    profile = make_profile("some.one", avatar=make_asset("avatar"), follower_count=None)
    body = api.get(f"/api/tiktok/profiles/{profile.pk}").json()
    conforms(body, "Profile")
    assert body["url"] == "https://www.tiktok.com/@some.one"
    assert body["avatar"]["kind"] == "avatar"
    assert body["followerCount"] is None
    assert body["totals"] == dict.fromkeys(
        ("posts", "views", "likes", "comments", "shares", "saves"), 0
    )


def test_a_list_of_any_length_takes_four_queries(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    for count in (2, 20):
        for _ in range(count):
            make_profile(avatar=make_asset("avatar"))
        with django_assert_num_queries(4):  # token and user, ids, profiles, avatars
            api.get("/api/tiktok/profiles")


def test_each_filter_and_order_does_what_it_says(api: APIClient) -> None:
    make_profile("anna", nickname="Ängström", follower_count=5, monitoring_enabled=True)
    make_profile("Bert", nickname="Bob", follower_count=None, is_own_profile=True)
    make_profile("carl", nickname="100% _sure_", follower_count=9, last_monitoring_run=START)
    for query, expected in (
        ("", ["carl", "Bert", "anna"]),
        ("search=@ANN", ["anna"]),
        ("search=ängs", ["anna"]),
        ("search=%25", ["carl"]),
        ("search=_", ["carl"]),
        ("search=@", ["carl", "Bert", "anna"]),
        ("monitoringEnabled=true", ["anna"]),
        ("monitoringEnabled=false", ["carl", "Bert"]),
        ("isOwnProfile=1", ["Bert"]),
        ("ordering=handle", ["anna", "Bert", "carl"]),
        ("ordering=createdAt", ["anna", "Bert", "carl"]),
        ("ordering=-followerCount", ["carl", "anna", "Bert"]),
        ("ordering=followerCount", ["anna", "carl", "Bert"]),
        ("ordering=-lastMonitoringRun", ["carl", "Bert", "anna"]),
    ):
        assert handles(api.get(f"/api/tiktok/profiles?{query}")) == expected, query


def test_adding_stores_the_first_page_and_queues_the_rest(
    api: APIClient, sandbox: Any, conforms: Any
) -> None:
    answer = api.post("/api/tiktok/profiles/add", {"handle": "@Creator.1"}, format="json")
    assert answer.status_code == 201, answer.content
    body = answer.json()
    conforms(body, "Added")
    assert body["created"] is True
    assert body["stats"]["postsCreated"] > 0
    assert body["stats"]["totalPosts"] == body["profile"]["totals"]["posts"]
    assert body["processing"] is (body["run"] is not None)
    assert api.get("/api/tiktok/posts").json()["count"] == body["stats"]["totalPosts"]
    link = {"handle": f"{body['profile']['url']}?lang=en", "isOwnProfile": True}
    again = api.post("/api/tiktok/profiles/add", link, format="json")
    assert again.status_code == 200, again.content
    assert again.json()["created"] is False
    assert again.json()["profile"]["id"] == body["profile"]["id"]
    assert again.json()["profile"]["isOwnProfile"] is True
    assert TikTokProfile.objects.count() == 1


@pytest.mark.parametrize(
    ("handle", "status", "code"),
    [
        ("fault.http_404", 404, "not_found"),
        ("fault.http_402", 402, "out_of_credits"),
        ("fault.http_429_after", 503, "upstream_unavailable"),
        ("fault.http_500", 503, "upstream_unavailable"),
        ("fault.html_200", 502, "upstream_error"),
    ],
)
def test_what_upstream_refuses_is_told_and_nothing_is_stored(
    api: APIClient, sandbox: Any, handle: str, status: int, code: str
) -> None:
    answer = api.post("/api/tiktok/profiles/add", {"handle": handle}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert ("Retry-After" in answer) is (status == 503)
    assert not TikTokProfile.objects.exists()


@pytest.mark.parametrize("text", ["", " ", "a b", "https://example.com/@x", "\u0000", "a!b", "@"])
def test_what_can_not_be_a_handle_is_400(api: APIClient, text: str) -> None:
    answer = api.post("/api/tiktok/profiles/add", {"handle": text}, format="json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["fields"].keys() == {"handle"}


def test_hostile_handles_are_refused_or_not_found(
    api: APIClient, shared: Any, sandbox: Any
) -> None:
    lines = (shared / "corpora/strings/blns.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if set(line) & set("<>;'\"()$%&|\\{} "):
            answer = api.post("/api/tiktok/profiles/add", {"handle": line}, format="json")
            assert answer.status_code in (400, 404), (line, answer.content)


def test_changing_touches_only_what_was_given(api: APIClient, conforms: Any) -> None:
    profile = make_profile()
    path = f"/api/tiktok/profiles/{profile.pk}"
    body = api.patch(path, {"isOwnProfile": True}, format="json").json()
    conforms(body, "Profile")
    assert (body["isOwnProfile"], body["monitoringEnabled"]) == (True, False)
    body = api.patch(
        path, {"monitoringEnabled": True, "monitoringIntervalMinutes": 60}, format="json"
    ).json()
    assert (body["isOwnProfile"], body["monitoringIntervalMinutes"]) == (True, 60)
    assert body["nextMonitoringRun"] is not None
    for bad in ({}, {"handle": "x"}, {"monitoringIntervalMinutes": 0}, {"isOwnProfile": None}):
        assert api.patch(path, bad, format="json").status_code == 400, bad


def test_deleting_takes_the_posts_along(api: APIClient) -> None:
    post = make_post()
    path = f"/api/tiktok/profiles/{post.profile_id}"
    answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(path).status_code == 404
    assert not TikTokPost.objects.exists()


def test_numbers_over_time_come_oldest_first(api: APIClient, conforms: Any) -> None:
    profile = make_profile()
    for day in (2, 1):
        ProfileMetrics.objects.create(
            profile=profile, captured_at=START.replace(day=day), follower_count=day
        )
    body = api.get(f"/api/tiktok/profiles/{profile.pk}/metrics").json()
    conforms(body, "ProfileMetrics")
    assert [row["followerCount"] for row in body["results"]] == [1, 2]
    assert body["results"][0]["videoCount"] is None

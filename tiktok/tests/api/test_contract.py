"""Every answer about TikTok has the fields that clients rely on, whatever is known and what not."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from carousel.tests import contract
from carousel.tests.contract import Maybe, filled, flag, keeps, page
from ocr.models import PostCategory
from tiktok.models import PostMetrics, ProfileMetrics, ProfileMonitoringLog
from tiktok.tests.api.world import START, make_asset, make_post, make_profile

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-4000-8000-000000000007"
STATUS = contract.STATUS


def good(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()


def test_profiles(api: APIClient) -> None:
    known = make_profile(
        previous_handles=["before"], avatar=make_asset("avatar"), follower_count=5_000_000_000
    )
    unknown = make_profile(
        handle="", missing_since=START, avatar=make_asset("avatar", stored=False)
    )
    body = good(api.get("/api/tiktok/profiles"))
    keeps(body, page(contract.PROFILE))
    assert body["count"] == 2
    for profile in (known, unknown):
        path = f"/api/tiktok/profiles/{profile.pk}"
        keeps(good(api.get(path)), contract.PROFILE)
        keeps(good(api.patch(path, {"isOwnProfile": True}, format="json")), contract.PROFILE)
    assert api.delete(path).status_code == 204
    keeps(good(api.get(path), 404), contract.ERROR)


def test_adding_a_profile(api: APIClient, sandbox: Any) -> None:
    body = good(api.post("/api/tiktok/profiles/add", {"handle": "creator.1"}, format="json"), 201)
    stats = dict.fromkeys(("postsCreated", "postsUpdated", "totalPosts"), contract.count)
    shape = {"profile": contract.PROFILE, "created": flag, "stats": stats}
    keeps(body, {**shape, "run": Maybe(contract.RUN), "processing": flag})
    posts = good(api.get("/api/tiktok/posts"))
    keeps(posts, page(contract.POST))
    assert posts["count"] == body["stats"]["totalPosts"] > 0


def test_watching_and_runs(api: APIClient) -> None:
    profile = make_profile()
    ProfileMonitoringLog.objects.create(profile=profile, trigger="scheduled", status="completed")
    path = f"/api/tiktok/profiles/{profile.pk}/monitoring"
    keeps(good(api.get(path)), contract.MONITORING)
    body = {"enabled": True, "intervalMinutes": 60}
    keeps(good(api.patch(path, body, format="json")), contract.MONITORING)
    triggered = good(api.post(f"{path}/trigger"), 202)
    keeps(triggered, {"run": contract.RUN, "created": flag})
    keeps(good(api.get(path)), contract.MONITORING)
    many = {"profileIds": [str(profile.pk), NOBODY, "x"], "enabled": False}
    answer = good(api.patch("/api/tiktok/profiles/bulk/monitoring", many, format="json"))
    assert answer == {"updatedCount": 1, "enabled": False, "notFound": [NOBODY, "x"]}
    runs = good(api.get("/api/tiktok/runs"))
    keeps(runs, page(contract.RUN))
    assert runs["count"] == 2


def test_posts(api: APIClient) -> None:
    category = PostCategory.objects.create(name="Habits")
    read = {"category": category, "category_confidence": 0.8, "category_source": "human"}
    make_post(texts=["Hook", None], reading=read, hashtags=["a"], mentions=["h"], language="en")
    make_post(texts=[None], reading={"status": "failed", "error": "why", "engine": ""})
    make_post(texts=())
    unknown = dict.fromkeys(("view_count", "like_count", "comment_count", "share_count"))
    make_post(texts=(), cover=None, music_asset=None, music_title="", video=None, **unknown)
    body = good(api.get("/api/tiktok/posts"))
    keeps(body, page(contract.POST))
    assert body["count"] == 4
    for post in body["results"]:
        assert good(api.get(f"/api/tiktok/posts/{post['id']}")) == post


def test_readings_and_what_a_person_says(api: APIClient) -> None:
    category = PostCategory.objects.create(name="Habits")
    post, video = make_post(), make_post(texts=())
    path = f"/api/tiktok/posts/{post.pk}"
    queued = good(api.post(f"{path}/ocr"), 202)
    keeps(queued, {"postId": filled, "ocrStatus": STATUS})
    keeps(good(api.post(f"{path}/ocr?wait=true")), contract.POST)
    ids = [str(video.pk), str(post.pk), "x", str(post.pk)]
    body = good(api.post("/api/tiktok/posts/bulk-ocr", {"postIds": ids}, format="json"), 202)
    result = {"postId": filled, "success": flag, "ocrStatus": Maybe(STATUS), "error": contract.text}
    keeps(body["results"], [result])
    assert [result["postId"] for result in body["results"]] == ids[:3]
    assert body["summary"] == {"total": 3, "successful": 1, "failed": 2}
    assert body["success"] is False
    for part, value in (
        ("slides/0", {"text": "said", "slideType": "cta"}),
        ("category", {"categoryId": str(category.pk)}),
        ("category", {"categoryId": None}),
    ):
        keeps(good(api.patch(f"{path}/{part}", value, format="json")), contract.POST)


def test_numbers_over_time(api: APIClient) -> None:
    post = make_post()
    PostMetrics.objects.create(post=post, captured_at=START, view_count=1, like_count=None)
    ProfileMetrics.objects.create(profile=post.profile, captured_at=START, follower_count=None)
    for path, counts in (
        (f"posts/{post.pk}", contract.COUNTS),
        (
            f"profiles/{post.profile_id}",
            ("followerCount", "followingCount", "likeCount", "videoCount"),
        ),
    ):
        body = good(api.get(f"/api/tiktok/{path}/metrics"))
        keeps(body, contract.metrics(*counts))
        assert len(body["results"]) == 1


def test_categories(api: APIClient) -> None:
    category = PostCategory.objects.create(name="Habits", ai_generated=True)
    make_post(reading={"category": category})
    body = good(api.get("/api/tiktok/categories"))
    keeps(body, page(contract.CATEGORY))
    assert body["results"][0]["postCount"] == 1
    path = f"/api/tiktok/categories/{category.pk}"
    keeps(good(api.patch(path, {"active": False}, format="json")), contract.CATEGORY)


def test_search(api: APIClient) -> None:
    make_post(texts=["Three 👍🏽 HABITS for you"], view_count=None)
    body = good(api.get("/api/tiktok/search?q=habits"))
    keeps(body, page(contract.HIT))
    assert body["count"] == 1
    hit = body["results"][0]
    assert [hit["text"][start:end] for start, end in hit["highlights"]] == ["HABITS"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "tiktok/posts?page=0", None, 400),
        ("get", "tiktok/posts?pageSize=abc", None, 400),
        ("get", "tiktok/profiles?ordering=nickname", None, 400),
        ("get", "tiktok/runs?status=done", None, 400),
        ("get", "tiktok/search", None, 400),
        ("post", "tiktok/profiles/add", {}, 400),
        ("post", "tiktok/profiles/add", {"handle": "two words"}, 400),
        ("post", "tiktok/posts/bulk-ocr", {"postIds": []}, 400),
        ("post", "tiktok/posts/bulk-ocr", {"postIds": ["x"] * 51}, 400),
        ("patch", "tiktok/profiles/bulk/monitoring", {"profileIds": ["x"] * 1001}, 400),
    ],
)
def test_bad_input_names_the_field(
    api: APIClient, method: str, path: str, body: Any, status: int
) -> None:
    ask = getattr(api, method)
    answer = ask(f"/api/{path}", body, format="json") if body is not None else ask(f"/api/{path}")
    keeps(good(answer, status), contract.FIELD_ERROR)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "tiktok/posts?page=99", 404, "not_found"),
        ("get", f"tiktok/posts/{NOBODY}", 404, "not_found"),
        ("get", "tiktok/profiles/x", 404, "not_found"),
        ("get", "media/assets/x", 404, "not_found"),
        ("get", "tiktok/profiles/", 404, "not_found"),
        ("get", "nothing", 404, "not_found"),
        ("put", "tiktok/profiles", 405, "method_not_allowed"),
        ("post", "queues/ocr/clear", 403, "permission_denied"),
        ("post", "queues/ocr/retry-failed", 403, "permission_denied"),
    ],
)
def test_other_errors_have_words_and_a_code(
    api: APIClient, method: str, path: str, status: int, code: str
) -> None:
    body = good(getattr(api, method)(f"/api/{path}"), status)
    keeps(body, contract.ERROR)
    assert body["code"] == code

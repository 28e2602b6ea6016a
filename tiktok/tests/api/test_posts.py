"""Lists and details of posts."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from ocr.models import PostCategory
from tiktok.models import PostMetrics
from tiktok.tests.api.world import START, make_asset, make_post, make_profile

pytestmark = pytest.mark.django_db


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [result["id"] for result in answer.json()["results"]]


def test_a_post_has_every_field_and_its_slides_in_order(api: APIClient, conforms: Any) -> None:
    category = PostCategory.objects.create(name="Habits")
    post = make_post(
        texts=["Hook", "Body", None],
        reading={"category": category, "category_confidence": 0.8, "category_source": "ai"},
        caption="All #of it",
        hashtags=["of"],
        like_count=None,
    )
    body = api.get(f"/api/tiktok/posts/{post.pk}").json()
    conforms(body, "Post")
    assert body["handle"] == post.profile.handle
    assert body["url"] == f"https://www.tiktok.com/@{post.profile.handle}/photo/{post.tiktok_id}"
    assert body["description"] == "All #of it"
    assert body["likeCount"] is None
    assert body["publishedAt"].endswith("Z")
    assert [slide["position"] for slide in body["slides"]] == [0, 1, 2]
    assert [slide["text"] for slide in body["slides"]] == ["Hook", "Body", None]
    assert body["slides"][2]["slideType"] is None
    assert body["slides"][0]["asset"]["url"].startswith("http://testserver/media/")
    assert body["category"] == {"id": str(category.pk), "name": "Habits"}
    assert body["ocrStatus"] == "completed"
    assert body["ocrProcessedAt"] == "2026-01-01T00:00:00Z"


def test_a_video_has_no_slides_and_no_reading(api: APIClient, conforms: Any) -> None:
    post = make_post(texts=())
    body = api.get(f"/api/tiktok/posts/{post.pk}").json()
    conforms(body, "Post")
    assert body["slides"] == []
    assert body["ocrStatus"] is None
    assert body["video"]["kind"] == "video"
    assert body["durationMs"] == 12_000


def test_a_file_that_is_not_stored_yet_is_linked_at_its_source(api: APIClient) -> None:
    waiting, dead = make_asset("cover", stored=False), make_asset(stored=False, status="blocked")
    body = api.get(f"/api/tiktok/posts/{make_post(cover=waiting, music_asset=dead).pk}").json()
    assert body["cover"]["url"] == waiting.source_urls[0]
    assert body["cover"]["isFallback"] is True
    assert body["music"]["asset"]["url"] is None


def test_a_list_costs_the_same_number_of_queries_for_any_number_of_posts(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        make_post(texts=["a", "b", "c"])
    make_post(texts=())
    # token and user, ids, posts, slides, texts, assets
    with django_assert_num_queries(6):
        assert len(ids(api.get("/api/tiktok/posts"))) == 4
    profile = make_profile()
    for _ in range(30):
        make_post(profile, texts=["a", "b"])
    with django_assert_num_queries(6):
        assert len(ids(api.get("/api/tiktok/posts"))) == 34
    # an inner page counts, too: EXPLAIN, then count
    with django_assert_num_queries(8):
        assert len(ids(api.get("/api/tiktok/posts?pageSize=5&page=2"))) == 5


def test_newest_posts_come_first_and_pages_neither_repeat_nor_lose_one(api: APIClient) -> None:
    posts = [make_post(texts=(), published_at=START) for _ in range(7)]
    seen: list[str] = []
    link = "/api/tiktok/posts?pageSize=3"
    while link:
        answer = api.get(link)
        seen += ids(answer)
        body = answer.json()
        assert body["count"] == 7
        assert body["countIsEstimate"] is False
        link = body["next"]
    assert seen == sorted((str(post.pk) for post in posts), reverse=True)
    assert api.get("/api/tiktok/posts?pageSize=3&page=3").json()["previous"].endswith("page=2")


@pytest.mark.parametrize("column", ["view_count", "like_count", "save_count"])
def test_unknown_numbers_come_last_either_way(api: APIClient, column: str) -> None:
    low, none, high = (make_post(None, (), reading=None, **{column: n}) for n in (1, None, 9))
    name = column.removesuffix("_count") + "Count"
    assert ids(api.get(f"/api/tiktok/posts?ordering=-{name}")) == [
        str(post.pk) for post in (high, low, none)
    ]
    assert ids(api.get(f"/api/tiktok/posts?ordering={name}")) == [
        str(post.pk) for post in (low, high, none)
    ]


def test_each_filter_leaves_what_it_says(api: APIClient) -> None:
    category = PostCategory.objects.create(name="Food")
    post = make_post(
        texts=["Bánh mì"],
        reading={"category": category, "status": "failed"},
        view_count=1_000_000,
        caption="Say CHEESE now",
        published_at=START.replace(year=2027),
    )
    make_post(texts=())
    make_post()
    for parameters in (
        {"profileId": str(post.profile_id)},
        {"contentType": "photo", "minViews": "1000000"},
        {"ocrStatus": "failed"},
        {"categoryId": str(category.pk)},
        {"publishedAfter": "2027-01-01T00:00:00Z"},
        {"publishedAfter": "2026-12-31", "publishedBefore": "2028-01-01"},
        {"search": "cheese"},
        {"search": "banh MI"},
        {"search": "cheese mì -sugar"},
        {"search": '"say cheese"'},
    ):
        assert ids(api.get("/api/tiktok/posts", parameters)) == [str(post.pk)], parameters
    for parameters in (
        {"publishedBefore": "2020-01-01"},
        {"search": "-cheese banh"},
        {"search": "cheese sugar"},
        {"profileId": str(category.pk)},
    ):
        assert ids(api.get("/api/tiktok/posts", parameters)) == [], parameters


def test_numbers_over_time_come_oldest_first_within_the_period(
    api: APIClient, conforms: Any
) -> None:
    post = make_post(texts=())
    for day in (3, 1, 2):
        PostMetrics.objects.create(
            post=post,
            captured_at=START.replace(day=day),
            view_count=day,
            like_count=None,
            decreased=day == 2,
        )
    body = api.get(f"/api/tiktok/posts/{post.pk}/metrics").json()
    conforms(body, "PostMetrics")
    assert [row["viewCount"] for row in body["results"]] == [1, 2, 3]
    assert body["results"][0]["capturedAt"] == "2026-01-01T00:00:00Z"
    assert body["results"][0]["likeCount"] is None
    assert [row["decreased"] for row in body["results"]] == [False, True, False]
    within = api.get(
        f"/api/tiktok/posts/{post.pk}/metrics", {"since": "2026-01-02", "until": "2026-01-02"}
    )
    assert [row["viewCount"] for row in within.json()["results"]] == [2]


def test_an_ascending_order_goes_on_from_known_to_unknown_counts(api: APIClient) -> None:
    profile = make_profile()
    counts = [5, None, 3, None, 9, None, 3]
    posts = [make_post(profile, view_count=count) for count in counts]
    order = [posts[n] for n in (2, 6, 0, 4, 1, 3, 5)]
    for size in (1, 2, 3, 4, 5, 7, 50):
        seen: list[str] = []
        link = f"/api/tiktok/posts?ordering=viewCount&pageSize={size}"
        while link:
            answer = api.get(link)
            seen += ids(answer)
            link = answer.json()["next"]
        assert seen == [str(post.pk) for post in order], size

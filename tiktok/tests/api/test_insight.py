"""What posts' numbers say: in answers, filters, orders and the admin's list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from tiktok.api.filters import posts_matching
from tiktok.insight import recompute_insight
from tiktok.models import PostInsight, TikTokPost
from tiktok.tests.api.world import START, make_post, make_profile

pytestmark = pytest.mark.django_db
LIST = "/admin/tiktok/tiktokpost/"


def scored(score: float | None, n: int = 12, **fields: Any) -> TikTokPost:
    post = make_post(**fields)
    PostInsight.objects.filter(post=post).update(
        outlier_score=score,
        outlier_baseline=100,
        outlier_n=n,
        low_confidence=n < 10,
    )
    return post


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [result["id"] for result in answer.json()["results"]]


def test_a_post_says_what_its_numbers_say(api: APIClient, conforms: Any) -> None:
    profile = make_profile()
    for day in (1, 2):
        make_post(profile, view_count=100, published_at=START.replace(day=day), last_seen_at=None)
    post = make_post(
        profile,
        view_count=250,
        like_count=25,
        published_at=START.replace(day=3),
        last_seen_at=START.replace(day=9),
    )
    before = api.get(f"/api/tiktok/posts/{post.pk}").json()["insight"]
    assert (before["outlierScore"], before["outlierN"], before["asOf"]) == (None, 0, None)
    recompute_insight([profile.pk])
    body = api.get(f"/api/tiktok/posts/{post.pk}").json()
    conforms(body, "Post")
    insight = body["insight"]
    conforms(insight, "PostInsight")
    assert (insight["outlierScore"], insight["outlierBaseline"]) == (2.5, 100)
    assert (insight["outlierN"], insight["lowConfidence"]) == (2, True)
    assert (insight["likeRate"], insight["engagementRate"]) == (0.1, None)
    assert insight["asOf"] == "2026-01-09T00:00:00Z"
    body = api.get(f"/api/tiktok/profiles/{profile.pk}").json()
    conforms(body, "Profile")
    assert body["insight"] == {"postsPerWeek": 7, "medianGapHours": 24, "gaps": 2}


def test_posts_are_ordered_and_narrowed_down_by_their_score(api: APIClient) -> None:
    low, none, high = (scored(score) for score in (0.5, None, 7))
    for name, wanted in (
        ("-outlierScore", (high, low, none)),
        ("outlierScore", (low, high, none)),
    ):
        assert ids(api.get(f"/api/tiktok/posts?ordering={name}")) == [str(p.pk) for p in wanted]
    assert ids(api.get("/api/tiktok/posts?minOutlier=2.5")) == [str(high.pk)]
    assert api.get("/api/tiktok/posts?minOutlier=much").status_code == 400
    found = api.get("/api/tiktok/search", {"q": "one", "minOutlier": "2.5"}).json()["results"]
    assert [hit["postId"] for hit in found] == [str(high.pk)]


def test_an_order_by_score_costs_no_more_queries(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    for rows in (1, 20):
        for score in range(rows):
            scored(score)
        with django_assert_num_queries(6):  # token and user, ids, posts, slides, texts, assets
            api.get("/api/tiktok/posts?ordering=-outlierScore&minOutlier=0")


def test_the_admin_lists_and_sorts_by_score(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    low, none, high = scored(0.5), scored(None), scored(7.04, n=4)
    column = 1 + ["picture", "text", "published", "views", "outlier"].index("outlier")
    with django_assert_num_queries(5):  # session, user, categories, count, rows
        answer = admin_client.get(LIST, {"o": str(column)})
    rows = answer.context["cl"].result_list
    page = answer.content.decode()
    assert [row.pk for row in rows] == [high.pk, low.pk, none.pk]
    assert ">0.5×<" in page
    assert ">~7.0×<" in page
    assert "views against 100, the median of 4 posts before it" in page


def test_exports_have_the_figures(api: APIClient) -> None:
    scored(7.5, profile=make_profile())
    answer: Any = api.get("/api/tiktok/posts/export?format=ndjson&minOutlier=7")
    (line,) = b"".join(answer.streaming_content).splitlines()
    row = json.loads(line)
    assert (row["outlierScore"], row["outlierN"], row["lowConfidence"]) == (7.5, 12, False)
    assert row["gain7d"] is None
    answer = api.get("/api/tiktok/profiles/export?format=ndjson")
    (line,) = b"".join(answer.streaming_content).splitlines()
    assert json.loads(line)["postsPerWeek"] is None


@pytest.mark.parametrize("parameters", [{}, {"minOutlier": 2.0}])
def test_the_order_by_score_can_walk_its_index(db: None, parameters: dict[str, Any]) -> None:
    for score in range(5):
        scored(score)
    rows = posts_matching({"ordering": "-outlierScore", **parameters}).values("pk")[:3]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_hashjoin = off")
    plan = rows.explain()
    assert "postinsight_outliers" in plan
    assert "Sort" not in plan

"""What posts' numbers say: in answers, filters, orders and the admin's list."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from carousel.api.pages import paginate
from tiktok.admin import TikTokPostAdmin
from tiktok.api.filters import posts_matching
from tiktok.insight import recompute_insight
from tiktok.models import PostInsight, ProfileInsight, TikTokPost
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


FIGURES = (
    *("engagement_rate", "like_rate", "comment_rate", "share_rate", "save_rate"),
    *("views_per_hour", "gain_1d", "gain_7d", "gain_14d", "gain_30d"),
    *("score_24h", "score_7d", "score_30d"),
)


def told(column: str) -> str:
    """What the API calls it."""
    first, *rest = column.split("_")
    return first + "".join(word.capitalize() for word in rest)


def with_figures(value: float | None) -> TikTokPost:
    post = make_post()
    PostInsight.objects.filter(post=post).update(**dict.fromkeys(FIGURES, value))
    return post


@pytest.mark.parametrize("column", FIGURES)
def test_posts_are_ordered_and_narrowed_down_by_each_figure(api: APIClient, column: str) -> None:
    low, none, high, also_none, also_low = map(with_figures, (-1, None, 7, None, -1))
    up = (low, also_low, high, none, also_none)
    down = (high, also_low, low, also_none, none)
    for name, wanted in ((told(column), up), (f"-{told(column)}", down)):
        pages = [
            ids(api.get(f"/api/tiktok/posts?ordering={name}&pageSize=2&page={page}"))
            for page in (1, 2, 3)
        ]
        assert [key for page in pages for key in page] == [str(post.pk) for post in wanted]
    name = told(column)[0].upper() + told(column)[1:]
    assert ids(api.get(f"/api/tiktok/posts?min{name}=7")) == [str(high.pk)]
    assert ids(api.get(f"/api/tiktok/posts?min{name}=8")) == []
    within = ids(api.get(f"/api/tiktok/posts?max{name}=6"))
    assert within == [str(also_low.pk), str(low.pk)]
    assert api.get(f"/api/tiktok/posts?max{name}=much").status_code == 400


def test_figures_can_be_combined_and_narrow_down_exports_too(api: APIClient) -> None:
    posts = [with_figures(value) for value in (1, 2, 3, None)]
    within = "minSaveRate=1.5&maxSaveRate=3&maxGain7d=2&maxViews=9000000000"
    assert ids(api.get(f"/api/tiktok/posts?{within}")) == [str(posts[1].pk)]
    answer: Any = api.get(f"/api/tiktok/posts/export?format=ndjson&ordering=-gain1d&{within}")
    (line,) = b"".join(answer.streaming_content).splitlines()
    row = json.loads(line)
    assert row["id"] == str(posts[1].pk)
    assert [row[told(column)] for column in FIGURES] == [2] * len(FIGURES)


@pytest.mark.parametrize("column", FIGURES)
@pytest.mark.parametrize("direction", ["", "-"])
def test_an_order_by_a_figure_walks_its_index(db: None, column: str, direction: str) -> None:
    for value in (1, 2, None):
        with_figures(value)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_hashjoin = off")
        cursor.execute("SET LOCAL enable_seqscan = off")
    rows = posts_matching({"ordering": f"{direction}{told(column)}"})
    with CaptureQueriesContext(connection) as asked:
        paginate(rows, {"page": 1, "pageSize": 1})
    keys = asked[0]["sql"]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {keys}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f"postinsight_{column}" in plan
    assert "Sort" not in plan


def test_profiles_are_ordered_by_how_often_they_post(api: APIClient) -> None:
    rare, never, often = (make_profile() for _ in range(3))
    for profile, per_week in ((rare, 0.5), (often, 21)):
        ProfileInsight.objects.create(profile=profile, posts_per_week=per_week)
    for name, wanted in (("postsPerWeek", (rare, often, never)), ("-postsPerWeek", (often, rare))):
        found = ids(api.get(f"/api/tiktok/profiles?ordering={name}"))
        assert found[: len(wanted)] == [str(profile.pk) for profile in wanted]


def test_a_page_in_the_order_of_a_figure_costs_no_more_queries(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    for rows in (5, 20):
        for value in range(rows):
            with_figures(value)
        for direction in ("", "-"):
            with django_assert_num_queries(8):  # as below, and two for the count
                api.get(f"/api/tiktok/posts?ordering={direction}gain7d&pageSize=3")


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


@pytest.mark.parametrize("column", ["engagement", "save_rate", "per_hour", "week"])
def test_the_admin_sorts_by_a_figure_with_unknown_ones_last(
    admin_client: Client, column: str, django_assert_num_queries: Any
) -> None:
    low, none, high = map(with_figures, (1, None, 4321))
    place = 1 + list(TikTokPostAdmin.list_display).index(column)
    with django_assert_num_queries(5):  # session, user, categories, count, rows
        answer = admin_client.get(LIST, {"o": str(place)})
    assert [row.pk for row in answer.context["cl"].result_list] == [high.pk, low.pk, none.pk]
    page = answer.content.decode()
    assert ('title="4,321">4.3K<' if column in ("per_hour", "week") else "432100.0 %") in page


def test_a_posts_page_in_the_admin_has_all_figures(admin_client: Client) -> None:
    post = with_figures(1)
    PostInsight.objects.filter(post=post).update(
        gain_14d=1200, views_per_hour=2.4, views_7d=5000, score_7d=1.26, score_24h=None
    )
    page = admin_client.get(f"{LIST}{post.pk}/change/").content.decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert "engagement 100.0 % · likes 100.0 % · comments 100.0 % · shares 100.0 %" in text
    assert "2 an hour · 1 in a day · 1 in 7 days · 1.2K in 14 days · 1 in 30 days" in text
    assert "– after 24 hours (–) · 5K after 7 days (1.3×) · – after 30 days (1.0×)" in text


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

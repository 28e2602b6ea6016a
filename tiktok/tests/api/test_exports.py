"""Lists as files, in the API and in the admin."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from carousel.tests.asking import problem
from carousel.tests.sheets import read_sheets
from ocr.models import PostCategory
from tiktok.models import PostMetrics, ProfileMetrics
from tiktok.services import trigger_run
from tiktok.tests.api.world import START, make_post, make_profile

pytestmark = pytest.mark.django_db


def body_of(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(body_of(answer).decode(), newline="")))


def lines_of(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body_of(answer).splitlines()]


def test_posts_come_with_the_fields_that_the_api_gives_them(api: APIClient) -> None:
    habits = PostCategory.objects.create(name="Habits")
    post = make_post(
        texts=["=Hook", None],
        reading={"category": habits},
        hashtags=["a", "b"],
        like_count=None,
        caption="-50%",
    )
    answer = api.get("/api/tiktok/posts/export?format=csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="posts-')
    (row,) = rows_of(answer)
    assert (row["id"], row["handle"]) == (str(post.pk), post.profile.handle)
    assert (row["description"], row["likeCount"]) == ("'-50%", "")
    assert (row["hashtags"], row["category"]) == ("a | b", "Habits")
    assert (row["slideCount"], row["slideTexts"]) == ("2", "'=Hook | ")
    assert row["isPinned"] == "false"
    detail = api.get(f"/api/tiktok/posts/{post.pk}").json()
    (line,) = lines_of(api.get("/api/tiktok/posts/export?format=ndjson"))
    shared = line.keys() & detail.keys() - {"category", "categorySource"}
    assert len(shared) > 20
    assert {name: line[name] for name in shared} == {name: detail[name] for name in shared}
    assert line["slideTexts"] == ["=Hook", ""]


def test_filters_and_order_are_those_of_the_list(api: APIClient) -> None:
    profile = make_profile()
    few, many = (make_post(profile, view_count=views) for views in (10, 5000))
    make_post(view_count=9000)
    query: dict[str, Any] = {"profileId": profile.pk, "ordering": "-viewCount", "format": "ndjson"}
    found = lines_of(api.get("/api/tiktok/posts/export", query))
    assert [line["id"] for line in found] == [str(many.pk), str(few.pk)]
    found = lines_of(api.get("/api/tiktok/posts/export", {**query, "minViews": 100}))
    assert [line["id"] for line in found] == [str(many.pk)]
    found = lines_of(api.get("/api/tiktok/posts/export", {"search": "zebra", "format": "ndjson"}))
    assert found == []


def test_a_workbook_has_the_same_rows(api: APIClient) -> None:
    posts = [make_post(texts=["@one"]), make_post(texts=())]
    answer = api.get("/api/tiktok/posts/export?format=xlsx")
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    (sheet,) = read_sheets(body_of(answer))
    assert [row[0] for row in sheet] == ["id", str(posts[1].pk), str(posts[0].pk)]


def test_every_list_can_be_exported(api: APIClient) -> None:
    profile = make_profile(follower_count=5)
    post = make_post(profile)
    run, _ = trigger_run(profile, trigger="manual")  # type: ignore[arg-type]
    PostMetrics.objects.create(post=post, captured_at=START, view_count=7)
    ProfileMetrics.objects.create(profile=profile, captured_at=START, follower_count=5)
    (line,) = rows_of(api.get("/api/tiktok/profiles/export"))
    assert (line["handle"], line["followerCount"]) == (profile.handle, "5")
    (line,) = rows_of(api.get("/api/tiktok/runs/export?trigger=manual"))
    assert (line["id"], line["status"]) == (str(run.pk), "pending")
    for address in ("posts/metrics/export", f"posts/{post.pk}/metrics/export"):
        (line,) = rows_of(api.get(f"/api/tiktok/{address}"))
        assert (line["tiktokId"], line["viewCount"]) == (post.tiktok_id, "7")
        assert line["capturedAt"] == "2026-01-01T00:00:00Z"
    (line,) = rows_of(api.get(f"/api/tiktok/profiles/{profile.pk}/metrics/export"))
    assert line["followerCount"] == "5"
    since = (START + timedelta(hours=1)).isoformat()
    assert rows_of(api.get("/api/tiktok/posts/metrics/export", {"since": since})) == []
    assert rows_of(api.get("/api/tiktok/posts/metrics/export?minViews=999999")) == []


def test_slides_are_exported_with_their_posts(api: APIClient) -> None:
    post = make_post(texts=["Morning habits", "Evening walks", None], view_count=12)
    make_post(texts=["Nothing here"])
    assert len(rows_of(api.get("/api/tiktok/search/export"))) == 3
    for words in ("habits", "habbits", '"morning habits"', "morn -evening"):
        (line,) = rows_of(api.get("/api/tiktok/search/export", {"q": words}))
        assert (line["text"], line["position"]) == ("Morning habits", "0"), words
        assert (line["tiktokId"], line["viewCount"]) == (post.tiktok_id, "12")
    assert rows_of(api.get("/api/tiktok/search/export?q=habits&minViews=100")) == []
    problem(api.get("/api/tiktok/search/export?q=-habits"), 400, "invalid")


def test_what_can_not_be_done_is_said_in_json(api: APIClient) -> None:
    problem(api.get("/api/tiktok/posts/export?format=pdf"), 400, "invalid")
    problem(api.get("/api/tiktok/posts/export?minViews=many"), 400, "invalid")
    problem(api.get("/api/tiktok/posts/nothing/metrics/export"), 404, "not_found")
    problem(APIClient().get("/api/tiktok/posts/export"), 401, "not_authenticated")


def test_more_rows_cost_no_more_queries_until_a_chunk_is_full(api: APIClient) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            body_of(api.get("/api/tiktok/posts/export"))
        return len(seen)

    profile = make_profile()
    make_post(profile)
    one = queries()
    for _ in range(20):
        make_post(profile)
    assert queries() == one


def test_the_admin_exports_the_list_as_it_is_filtered(admin_client: Client) -> None:
    photo, _ = make_post(), make_post(texts=())
    page = admin_client.get("/admin/tiktok/tiktokpost/?content_type__exact=photo")
    address = "/admin/tiktok/tiktokpost/export/csv/?content_type__exact=photo"
    assert address in page.content.decode()
    (row,) = rows_of(admin_client.get(address))
    assert row["id"] == str(photo.pk)
    found = rows_of(admin_client.get("/admin/tiktok/tiktokpost/export/csv/?q=two"))
    assert [row["id"] for row in found] == [str(photo.pk)]
    assert len(rows_of(admin_client.get("/admin/tiktok/tiktokprofile/export/csv/"))) == 2
    assert rows_of(admin_client.get("/admin/tiktok/profilemonitoringlog/export/csv/")) == []
    assert admin_client.get("/admin/tiktok/tiktokpost/export/pdf/").status_code == 404
    assert Client().get(address).status_code == 302

"""Having posts read, and correcting what was read."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from carousel.tests.asking import client_for
from ocr.models import PostCategory, Reading, SlideReading
from tiktok.api.views import reading as view
from tiktok.tests.api.world import make_asset, make_post

pytestmark = pytest.mark.django_db


def test_reading_is_queued_and_a_video_is_a_conflict(api: APIClient, conforms: Any) -> None:
    post = make_post()
    answer = api.post(f"/api/tiktok/posts/{post.pk}/ocr", {"force": True}, format="json")
    assert answer.status_code == 202, answer.content
    conforms(answer.json(), "OcrQueued")
    assert answer.json() == {"postId": str(post.pk), "ocrStatus": "pending"}
    video = make_post(texts=())
    answer = api.post(f"/api/tiktok/posts/{video.pk}/ocr")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_photo_post")


def test_waiting_for_what_is_read_already_answers_at_once(api: APIClient, conforms: Any) -> None:
    answer = api.post(f"/api/tiktok/posts/{make_post().pk}/ocr?wait=true")
    assert answer.status_code == 200
    conforms(answer.json(), "Post")


def test_waiting_in_vain_is_202_when_the_time_is_up(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "WAIT_SECONDS", 0.3)
    post = make_post(reading={"status": "pending", "completed_at": None})
    answer = api.post(f"/api/tiktok/posts/{post.pk}/ocr?wait=true")
    assert (answer.status_code, answer.json()["ocrStatus"]) == (202, "pending")


@pytest.mark.django_db(transaction=True)
def test_waiting_answers_with_the_post_when_a_worker_has_read_it() -> None:
    post = make_post(texts=[None], reading={"status": "pending", "completed_at": None})

    def work() -> None:
        time.sleep(0.4)
        SlideReading.objects.filter(reading=post.reading_id).update(text="read at last")
        Reading.objects.filter(posts=post).update(status="completed")
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    answer = client_for("waiting").post(f"/api/tiktok/posts/{post.pk}/ocr?wait=true")
    worker.join()
    assert answer.status_code == 200, answer.content
    assert answer.json()["slides"][0]["text"] == "read at last"


def test_many_posts_have_one_result_each_in_the_order_asked(api: APIClient, conforms: Any) -> None:
    photo, video, nobody = make_post(), make_post(texts=()), str(uuid.uuid4())
    wanted = [nobody, str(photo.pk), "not-an-id", str(video.pk), str(photo.pk)]
    answer = api.post("/api/tiktok/posts/bulk-ocr", {"postIds": wanted}, format="json")
    assert answer.status_code == 202, answer.content
    body = answer.json()
    conforms(body, "BulkOcr")
    assert body["success"] is False
    assert body["summary"] == {"total": 4, "successful": 1, "failed": 3}
    assert [result["postId"] for result in body["results"]] == wanted[:4]
    assert [result["success"] for result in body["results"]] == [False, True, False, False]
    assert body["results"][3]["error"]
    for bad in ([], ["x"] * 51):
        answer = api.post("/api/tiktok/posts/bulk-ocr", {"postIds": bad}, format="json")
        assert answer.status_code == 400


def test_a_persons_text_and_type_replace_the_machines(api: APIClient, conforms: Any) -> None:
    post = make_post(texts=["wrnog", "two"])
    path = f"/api/tiktok/posts/{post.pk}/slides"
    answer = api.patch(f"{path}/0", {"text": " right \n", "slideType": "hook"}, format="json")
    assert answer.status_code == 200, answer.content
    conforms(answer.json(), "Post")
    slides = answer.json()["slides"]
    assert (slides[0]["text"], slides[0]["slideType"], slides[0]["source"]) == (
        " right \n",
        "hook",
        "human",
    )
    assert slides[1]["source"] == "ai"
    assert api.patch(f"{path}/0", {"slideType": "joke"}, format="json").status_code == 400
    assert api.patch(f"{path}/0", {}, format="json").status_code == 400
    for nowhere in ("2", "-1", "abc", "9" * 30, "%00", "٣"):
        answer = api.patch(f"{path}/{nowhere}", {"text": "a"}, format="json")
        assert answer.status_code == 404, nowhere
    video = make_post(texts=())
    answer = api.patch(f"/api/tiktok/posts/{video.pk}/slides/0", {"text": "a"}, format="json")
    assert answer.status_code == 404


def test_a_persons_category_replaces_the_machines_and_may_be_none(api: APIClient) -> None:
    post, video = make_post(), make_post(texts=())
    category = PostCategory.objects.create(name="Habits")
    path = f"/api/tiktok/posts/{post.pk}/category"
    body = api.patch(path, {"categoryId": str(category.pk)}, format="json").json()
    assert body["category"]["name"] == "Habits"
    assert body["categorySource"] == "human"
    body = api.patch(path, {"categoryId": None}, format="json").json()
    assert (body["category"], body["categorySource"]) == (None, "human")
    answer = api.patch(path, {"categoryId": str(uuid.uuid4())}, format="json")
    assert answer.json()["fields"].keys() == {"categoryId"}
    answer = api.patch(
        f"/api/tiktok/posts/{video.pk}/category", {"categoryId": str(category.pk)}, format="json"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_photo_post")


def test_categories_count_their_posts_and_keep_their_names_apart(
    api: APIClient, conforms: Any, django_assert_num_queries: Any
) -> None:
    habits = PostCategory.objects.create(name="Habits")
    food = PostCategory.objects.create(name="food", active=False)
    for _ in range(2):
        make_post(reading={"category": habits})
    with django_assert_num_queries(5):  # token and user, ids, categories, plan, counts
        body = api.get("/api/tiktok/categories").json()
    conforms(body, "CategoryPage")
    assert [(row["name"], row["postCount"]) for row in body["results"]] == [
        ("food", 0),
        ("Habits", 2),
    ]
    assert api.get("/api/tiktok/categories?active=false").json()["count"] == 1
    path = f"/api/tiktok/categories/{food.pk}"
    changed = api.patch(path, {"description": "To eat", "active": True}, format="json").json()
    conforms(changed, "Category")
    assert (changed["description"], changed["active"]) == ("To eat", True)
    answer = api.patch(path, {"name": "HABITS"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_name")
    assert api.patch(path, {"name": "Food"}, format="json").json()["name"] == "Food"
    assert api.patch(path, {"name": ""}, format="json").status_code == 400


def test_slides_that_failed_to_store_are_shown_with_their_reason(api: APIClient) -> None:
    broken = make_asset(
        stored=False, status="failed", error="It is no image.", error_code="not_media"
    )
    post = make_post(texts=["a"])
    post.slides.update(asset=broken)
    asset = api.get(f"/api/tiktok/posts/{post.pk}").json()["slides"][0]["asset"]
    assert (asset["url"], asset["errorCode"], asset["byteSize"]) == (None, "not_media", None)

"""Posts in the admin: slides as pictures, a person's corrections, what is asked for again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from media_cache.models import CacheAsset
from ocr.models import PostCategory, SlideReading
from ocr.services import set_category
from tiktok.models import PostMetrics, Slide, TikTokPost
from tiktok.tests.api.world import START, make_asset, make_post, make_profile

pytestmark = pytest.mark.django_db
LIST = "/admin/tiktok/tiktokpost/"


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def page_of(post: TikTokPost) -> str:
    return f"{LIST}{post.pk}/change/"


def filled_in(client: Client, post: TikTokPost) -> dict[str, str]:
    """The form as a browser would send it back unchanged."""
    form = client.get(page_of(post)).context["post_form"]
    data: dict[str, str] = {}
    for field in form:
        value = "" if field.value() is None else str(field.value())
        data[field.html_name] = data[field.html_initial_name] = value.replace("\n", "\r\n")
    return data


def test_the_list_costs_the_same_for_one_post_and_for_many(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    category = PostCategory.objects.create(name="Recipes")
    make_post(reading={"category": category}, caption="How to cook " * 50)
    for rows in (0, 30):
        for _ in range(rows):
            make_post(reading={"category": category})
        with django_assert_num_queries(5):  # session, user, categories, count, rows
            page = admin_client.get(LIST).content.decode()
    assert "Recipes" in page
    assert "How to cook How to cook" in page


def test_posts_are_found_by_what_they_say_and_whose_they_are(admin_client: Client) -> None:
    profile = make_profile("the.cook")
    post = make_post(profile, texts=["Crème brûlée", "step two"], caption="Pudding for 2")
    make_post(texts=["nothing"], view_count=1)

    def found(**query: str) -> list[Any]:
        return [row.pk for row in admin_client.get(LIST, query).context["cl"].result_list]

    for term in ("pudding", "creme brulee", "@the.co", "step two", str(post.pk)):
        assert found(q=term) == [post.pk], term
    TikTokPost.objects.filter(pk=post.pk).update(tiktok_id="7540000000000000123", view_count=5000)
    assert found(q="7540000000000000123") == [post.pk]
    assert found(views="1000") == [post.pk]
    assert found(profile__id__exact=str(profile.pk)) == [post.pk]
    assert found(q="absent") == []
    assert found(q='""') == []
    category = PostCategory.objects.create(name="Cooking")
    assert post.reading is not None
    set_category(post.reading, category)
    assert found(category=str(category.pk)) == [post.pk]
    assert len(found(category="forged")) == 2


def test_sorting_by_a_count_leaves_unknown_ones_last(admin_client: Client) -> None:
    make_post(view_count=None)
    most = make_post(view_count=10**9)
    column = 1 + ["picture", "text", "published", "views"].index("views")
    rows = admin_client.get(LIST, {"o": str(column)}).context["cl"].result_list
    assert rows[0].pk == most.pk


def test_a_post_shows_its_slides_as_pictures_in_order(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    post = make_post(texts=[f"text {n}" for n in range(12)])
    gone = Slide.objects.get(post=post, position=3).asset
    gone.status, gone.storage_key = "failed", ""
    gone.error_code, gone.error = "not_media", "Got a web page."
    gone.save()
    for n in range(3):
        when = START + timedelta(days=n)
        PostMetrics.objects.create(post=post, captured_at=when, view_count=10 * n, like_count=n)
    admin_client.get(page_of(post))
    with django_assert_num_queries(
        8
    ):  # session, user, post, slides, what was read, numbers, file ids, files
        page = admin_client.get(page_of(post)).content.decode()
    places = [page.index(f"\ntext {n}<") for n in range(12)]
    assert places == sorted(places)
    assert page.count('<a class="picture"') == 11
    assert "Got a web page." in page
    assert "not_media" in page
    assert page.count("<polyline") == 2
    assert "x-signature" not in page
    assert 'src="https://p16' not in page
    assert f"https://www.tiktok.com/@{post.profile.handle}/photo/{post.tiktok_id}" in page


def test_saving_an_untouched_page_corrects_nothing(admin_client: Client) -> None:
    post = make_post(texts=["one\ntwo", None])
    data = filled_in(admin_client, post)
    SlideReading.objects.filter(reading=post.reading, position=1).update(
        text="read meanwhile", source="ai"
    )
    assert admin_client.post(page_of(post), data).status_code == 302
    slides = SlideReading.objects.filter(reading=post.reading)
    assert list(slides.values_list("text", "source")) == [
        ("one\ntwo", "ai"),
        ("read meanwhile", "ai"),
    ]
    assert post.reading is not None
    post.reading.refresh_from_db()
    assert post.reading.category_source == ""


def test_corrections_are_a_persons_and_only_where_something_changed(admin_client: Client) -> None:
    post = make_post(texts=["hok", "content"])
    category = PostCategory.objects.create(name="Recipes")
    data = filled_in(admin_client, post)
    data |= {"text_0": " Hook\r\nline ", "type_0": "hook", "category": str(category.pk)}
    answer = admin_client.post(page_of(post), data)
    assert answer.status_code == 302, answer.content.decode()
    first, second = SlideReading.objects.filter(reading=post.reading)
    assert (first.text, first.slide_type, first.source) == (" Hook\nline ", "hook", "human")
    assert (second.text, second.source) == ("content", "ai")
    assert post.reading is not None
    post.reading.refresh_from_db()
    assert (post.reading.category, post.reading.category_source) == (category, "human")

    data = filled_in(admin_client, post)
    assert admin_client.post(page_of(post), {**data, "category": ""}).status_code == 302
    post.reading.refresh_from_db()
    assert (post.reading.category, post.reading.category_source) == (None, "human")


def test_a_slide_without_a_reading_can_be_corrected(admin_client: Client) -> None:
    post = make_post(texts=["one"])
    TikTokPost.objects.filter(pk=post.pk).update(reading=None)
    data = filled_in(admin_client, post) | {"text_0": "by hand"}
    assert admin_client.post(page_of(post), data).status_code == 302
    post.refresh_from_db()
    assert post.reading is not None
    assert post.reading.slides.get().text == "by hand"


def test_wrong_values_are_refused_in_place(admin_client: Client) -> None:
    post = make_post()
    data = filled_in(admin_client, post) | {"type_0": "headline"}
    page = admin_client.post(page_of(post), data).content.decode()
    assert "headline is not one of the available choices" in page
    assert not SlideReading.objects.filter(source="human").exists()


def test_what_tiktok_says_can_not_be_edited(admin_client: Client) -> None:
    post = make_post(caption="theirs")
    data = filled_in(admin_client, post) | {"caption": "forged", "view_count": "1"}
    admin_client.post(page_of(post), data)
    post.refresh_from_db()
    assert post.caption == "theirs"
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{post.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_video_has_files_and_numbers_and_no_slides(admin_client: Client) -> None:
    video = make_post(texts=())
    page = admin_client.get(page_of(video)).content.decode()
    assert 'class="slides"' not in page
    assert "Fetch missing media" in page
    assert "Read again" not in page
    address = f"{LIST}{video.pk}/do/read_again/"
    assert "not possible" in told(admin_client.post(address, follow=True))


def test_posts_are_read_again_and_their_media_fetched_again(admin_client: Client) -> None:
    post, video = make_post(), make_post(texts=())
    assert post.reading is not None
    post.reading.slides.filter(position=0).update(source="human")
    admin_client.post(f"{LIST}{post.pk}/do/read_again/", follow=True)
    post.reading.refresh_from_db()
    assert (post.reading.status, post.reading.read_all) == ("pending", True)

    chosen = {"_selected_action": [str(post.pk), str(video.pk)]}
    answer = admin_client.post(LIST, {**chosen, "action": "force_selected"}, follow=True)
    assert "1 readings queued" in told(answer)
    assert "is a video" in told(answer)
    answer = admin_client.post(LIST, {**chosen, "action": "refetch_selected"}, follow=True)
    assert "7 files are fetched again" in told(answer)
    assert CacheAsset.objects.filter(status="pending").count() == 7
    assert make_asset().status == "completed"

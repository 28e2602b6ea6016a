"""Readings and categories in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from media_cache.models import CacheAsset
from ocr.models import PostCategory, Reading, SlideReading

pytestmark = pytest.mark.django_db
READINGS, CATEGORIES = "/admin/ocr/reading/", "/admin/ocr/postcategory/"


def make_reading(slides: int = 2, **fields: Any) -> Reading:
    reading: Reading = Reading.objects.create(**{"status": "completed", **fields})
    for position in range(slides):
        asset = CacheAsset.objects.create(
            kind="image", source_key=f"{reading.pk}-{position}", status="completed"
        )
        SlideReading.objects.create(
            reading=reading, position=position, asset=asset, text=f"text {position}", source="ai"
        )
    return reading


def test_readings_are_listed_with_a_constant_number_of_queries(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    category = PostCategory.objects.create(name="Recipes")
    make_reading(3, category=category, context="A caption " * 40, engine="local")
    for rows in (0, 20):
        for _ in range(rows):
            make_reading(category=category)
        with django_assert_num_queries(5):  # session, user, codes, count, rows
            answer = admin_client.get(READINGS)
    page = answer.content.decode()
    assert "Recipes" in page
    assert '<td class="field-slide_count">3</td>' in page
    assert "A caption A caption" in page


def test_a_reading_shows_what_each_picture_says(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    reading = make_reading(8)
    with django_assert_max_num_queries(6):
        page = admin_client.get(f"{READINGS}{reading.pk}/change/").content.decode()
    assert "text 7" in page
    assert 'name="_save"' not in page
    assert "<textarea" not in page


def test_readings_are_read_again_without_a_persons_words(admin_client: Client) -> None:
    kept, other = make_reading(), make_reading()
    kept.slides.filter(position=0).update(text="mine", source="human")
    chosen = {"action": "force_selected", "_selected_action": [str(kept.pk), str(other.pk)]}
    answer = admin_client.post(READINGS, chosen, follow=True)
    assert "2 readings queued" in str(next(iter(answer.context["messages"])))
    assert set(Reading.objects.values_list("status", "read_all")) == {("pending", True)}
    assert kept.slides.get(position=0).text == "mine"


def test_categories_are_added_renamed_and_switched_off_but_never_deleted(
    admin_client: Client,
) -> None:
    admin_client.post(f"{CATEGORIES}add/", {"name": "Recipes", "active": "on"})
    category = PostCategory.objects.get()
    assert not category.ai_generated
    address = f"{CATEGORIES}{category.pk}/change/"
    admin_client.post(address, {"name": "Cooking", "description": "Food.", "active": "on"})
    category.refresh_from_db()
    assert (category.name, category.description) == ("Cooking", "Food.")
    answer = admin_client.post(f"{CATEGORIES}add/", {"name": "COOKING"})
    assert "errorlist" in answer.content.decode()
    assert PostCategory.objects.count() == 1
    answer = admin_client.post(f"{CATEGORIES}{category.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403


def test_switching_a_proposed_category_on_gives_it_to_those_that_wait(
    admin_client: Client,
) -> None:
    proposed = PostCategory.objects.create(name="Travel", ai_generated=True, active=False)
    waiting = make_reading(proposed_category=proposed)
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(proposed.pk),
        "form-0-active": "on",
        "_save": "Save",
    }
    admin_client.post(CATEGORIES, form)
    waiting.refresh_from_db()
    proposed.refresh_from_db()
    assert proposed.active
    assert waiting.category == proposed
    assert waiting.proposed_category is None


def test_categories_are_listed_with_their_posts_in_one_query(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    first = PostCategory.objects.create(name="A")
    for _ in range(3):
        make_reading(0, category=first)
    make_reading(0, proposed_category=first)
    for rows in (0, 15):
        for n in range(rows):
            make_reading(0, category=PostCategory.objects.create(name=f"B{n}"))
        with django_assert_num_queries(4):  # session, user, count, rows
            answer = admin_client.get(CATEGORIES)
    row = next(row for row in answer.context["cl"].result_list if row.name == "A")
    assert (row.used, row.waiting) == (3, 1)
    assert f"{READINGS}?category__id__exact={first.pk}" in answer.content.decode()


def test_a_category_is_found_while_typing(admin_client: Client) -> None:
    PostCategory.objects.create(name="Slow cooking")
    PostCategory.objects.create(name="Travel")
    query = "app_label=ocr&model_name=reading&field_name=category&term=cook"
    found = admin_client.get(f"/admin/autocomplete/?{query}").json()["results"]
    assert [result["text"] for result in found] == ["Slow cooking"]

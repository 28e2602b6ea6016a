"""The search in slides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from ocr.models import PostCategory, SlideReading
from ocr.search import parse
from tiktok.services import search as service
from tiktok.tests.api.world import START, make_post, make_profile

pytestmark = pytest.mark.django_db


def texts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [hit["text"] for hit in answer.json()["results"]]


def find(api: APIClient, q: str, **query: Any) -> list[str]:
    return texts(api.get("/api/tiktok/search", {"q": q, **query}))


@pytest.fixture
def corpus(db: None) -> None:
    make_post(texts=["5 morning habits that changed my life", "Wake up at 5am", "Follow for more"])
    make_post(texts=["Café culture in Paris", "Don’t skip the crème brûlée"])
    make_post(texts=["上海美食攻略", "วิธีเลี้ยงแมว", "Как выучить язык", "أفضل المطاعم"])
    make_post(texts=["The art of saying no", "Party of five", "100% sure_thing"])
    make_post(texts=["Read this\n  tonight: 🔥🔥", "हिन्दी भाषा सीखें", "مرحبا، يا صديقي"])


def test_a_hit_has_every_field(api: APIClient, conforms: Any) -> None:
    post = make_post(texts=["nothing", "My Morning"])
    body = api.get("/api/tiktok/search?q=morning").json()
    conforms(body, "HitPage")
    (hit,) = body["results"]
    assert hit["postId"] == str(post.pk)
    assert (hit["position"], hit["highlights"], hit["rank"]) == (1, [[3, 10]], 1.0)
    assert hit["asset"]["kind"] == "image"
    assert (body["count"], body["countIsEstimate"], body["next"]) == (1, False, None)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("HABITS", ["5 morning habits that changed my life"]),
        ("life morning", ["5 morning habits that changed my life"]),
        ("habi", ["5 morning habits that changed my life"]),
        ("abit", ["5 morning habits that changed my life"]),
        ("mornign", ["5 morning habits that changed my life"]),
        ("habbits", ["5 morning habits that changed my life"]),
        ("abits lief", ["5 morning habits that changed my life"]),
        ("culutre", ["Café culture in Paris"]),
        ("pariz", ["Café culture in Paris"]),
        ("prizz", []),
        ("5a", ["Wake up at 5am"]),
        ("cafe", ["Café culture in Paris"]),
        ("CRÈME brulee", ["Don’t skip the crème brûlée"]),
        ("don't", ["Don’t skip the crème brûlée"]),
        ("美食", ["上海美食攻略"]),
        ("食", ["上海美食攻略"]),
        ("海美食攻", ["上海美食攻略"]),
        ('"美食攻略"', ["上海美食攻略"]),
        ("食美", []),
        ("上海 -攻略", []),
        ("แมว", ["วิธีเลี้ยงแมว"]),
        ("🔥", ["Read this\n  tonight: 🔥🔥"]),
        ("हिन्दी", ["हिन्दी भाषा सीखें"]),
        ("مرحبا", ["مرحبا، يا صديقي"]),
        ("مرحابا", ["مرحبا، يا صديقي"]),
        ("ВЫУЧИТЬ", ["Как выучить язык"]),
        ("المطاعم", ["أفضل المطاعم"]),
        ('"wake up"', ["Wake up at 5am"]),
        ('"this tonight"', ["Read this\n  tonight: 🔥🔥"]),
        ('"tonight 🔥"', []),
        ('"read thi"', []),
        ('"up wake"', []),
        ('"art"', ["The art of saying no"]),
        ("of -party", ["The art of saying no"]),
        ('of -"saying no"', ["Party of five"]),
        ("five -art", ["Party of five"]),
        ("100%", ["100% sure_thing"]),
        ("sure_thing", ["100% sure_thing"]),
        ("sure.thing", []),
        ("zebra", []),
    ],
)
def test_what_is_typed_finds_what_is_meant(
    api: APIClient, corpus: None, q: str, found: list[str]
) -> None:
    assert find(api, q) == found


def test_whole_words_come_before_parts_and_near_ones_last(api: APIClient) -> None:
    for text in ("a habbit", "the habitat", "one habit"):
        make_post(texts=[text])
    assert find(api, "habit") == ["one habit", "the habitat", "a habbit"]
    ranks = [hit["rank"] for hit in api.get("/api/tiktok/search?q=habit").json()["results"]]
    assert ranks[0] == 1.0 > ranks[1] > ranks[2] > 0


def test_equal_hits_are_ordered_by_views_unless_asked_otherwise(api: APIClient) -> None:
    for n, views in enumerate((5, None, 9)):
        make_post(texts=[f"word {n}"], view_count=views, published_at=START.replace(day=n + 1))
    assert find(api, "word") == ["word 2", "word 0", "word 1"]
    assert find(api, "word", ordering="viewCount") == ["word 0", "word 2", "word 1"]
    assert find(api, "word", ordering="publishedAt") == ["word 0", "word 1", "word 2"]
    assert find(api, "word", ordering="-publishedAt") == ["word 2", "word 1", "word 0"]


def test_the_filters_of_posts_narrow_it_down(api: APIClient) -> None:
    category = PostCategory.objects.create(name="Food")
    profile = make_profile()
    make_post(profile, texts=["word mine"], view_count=10, reading={"category": category})
    make_post(texts=["word other"], view_count=1, published_at=START.replace(year=2030))
    for query, found in (
        ({"profileId": profile.pk}, ["word mine"]),
        ({"categoryId": category.pk}, ["word mine"]),
        ({"minViews": 5}, ["word mine"]),
        ({"publishedAfter": "2029-01-01"}, ["word other"]),
        ({"ocrStatus": "failed"}, []),
        ({"contentType": "photo"}, ["word mine", "word other"]),
        ({"slideType": "hook"}, []),
        ({"slideType": "content", "minViews": 5}, ["word mine"]),
    ):
        assert find(api, "word", **query) == found, query


def test_pages_follow_each_other_and_cost_the_same_number_of_queries(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    for n in range(5):
        make_post(texts=[f"word {n} a", f"word {n} b"])
    seen: list[str] = []
    link = "/api/tiktok/search?q=word&pageSize=4"
    while link:
        # token and user, savepoint, settings, whole words, how often (twice), slips, hits, release,
        # slides, posts, assets, profiles of the facets
        with django_assert_num_queries(13):
            answer = api.get(link)
        seen += texts(answer)
        link = answer.json()["next"]
    assert len(seen) == len(set(seen)) == 10
    assert api.get("/api/tiktok/search?q=word&page=2").status_code == 404


def test_of_too_many_hits_a_part_is_looked_at_and_the_count_says_so(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CANDIDATES", 3)
    monkeypatch.setattr("tiktok.api.views.search.CANDIDATES", 3)
    make_post(texts=["word"] * 5)
    body = api.get("/api/tiktok/search?q=word").json()
    assert (body["count"], body["countIsEstimate"]) == (3, True)


@pytest.mark.parametrize("q", ["habits", "habbits", '"my life"', "5a", "美食攻略"])
def test_every_kind_of_term_can_use_an_index(corpus: None, q: str) -> None:
    from ocr.search import condition, parse

    said, params = condition(parse(q)[0], near=["habits"] if q == "habbits" else [])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM ocr_slidereading AS slide "
            f"WHERE slide.search_text <> '' AND {said}",
            params,
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "slidereading_words" in plan or "slidereading_trigrams" in plan, plan


def test_facets_count_what_the_hits_have_in_common(api: APIClient) -> None:
    habits = PostCategory.objects.create(name="Habits")
    one, two = make_profile("one"), make_profile("two")
    make_post(one, texts=["word a", "word b", "other"], reading={"category": habits})
    make_post(two, texts=["word c"])
    facets = api.get("/api/tiktok/search?q=word&pageSize=1").json()["facets"]
    assert facets["categories"] == [{"id": str(habits.pk), "name": "Habits", "count": 2}]
    assert facets["slideTypes"] == [{"slideType": "content", "count": 3}]
    assert facets["profiles"] == [
        {"id": str(one.pk), "handle": "one", "count": 2},
        {"id": str(two.pk), "handle": "two", "count": 1},
    ]
    facets = api.get(f"/api/tiktok/search?q=word&categoryId={habits.pk}").json()["facets"]
    assert [each["handle"] for each in facets["profiles"]] == ["one"]
    empty = api.get("/api/tiktok/search?q=zebra").json()["facets"]
    assert empty == {"categories": [], "slideTypes": [], "profiles": []}


def test_where_whole_words_are_enough_parts_are_left_out(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_post(texts=["wording", "a word", "the word no", "word games"])
    monkeypatch.setattr(service, "ENOUGH", 2)
    found = find(api, "word -games")
    assert sorted(found) == ["a word", "the word no"]
    body = api.get("/api/tiktok/search?q=word -games").json()
    assert [hit["rank"] for hit in body["results"]] == [1.0, 1.0]
    assert body["facets"]["slideTypes"] == [{"slideType": "content", "count": 2}]


def test_filters_do_not_change_what_a_word_finds(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = make_post(texts=["wording", "a word"])
    make_post(texts=["another word"])
    assert find(api, "word", profileId=post.profile_id) == ["a word", "wording"]
    monkeypatch.setattr(service, "ENOUGH", 2)
    assert find(api, "word", profileId=post.profile_id) == ["a word"]


@pytest.fixture
def too_many(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """More hits than are counted; the newest are stored last."""
    monkeypatch.setattr(service, "CANDIDATES", 3)
    monkeypatch.setattr(service, "ENOUGH", 3)
    monkeypatch.setattr("tiktok.api.views.search.CANDIDATES", 3)
    for n, views in enumerate((5, 6, None, 7, 1, 9)):
        published = START.replace(day=n + 1)
        make_post(texts=[f"word {n}"], view_count=views, published_at=published)


@pytest.mark.parametrize(
    ("ordering", "wanted"),
    [
        ("-publishedAt", "543210"),
        ("publishedAt", "012345"),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.usefixtures("too_many")
def test_a_page_by_date_of_too_many_is_one_of_all(
    api: APIClient, ordering: str, wanted: str, page: int
) -> None:
    hits = service.search_slides(parse("word"), ordering=ordering, limit=2, offset=2 * page - 2)
    found = SlideReading.objects.in_bulk([hit.slide_reading_id for hit in hits.hits])
    said = [(found[hit.slide_reading_id].text or "")[-1] for hit in hits.hits]
    assert said == [*wanted[2 * page - 2 : 2 * page]]
    assert hits.total == 3


@pytest.mark.usefixtures("too_many")
def test_a_page_by_date_of_too_many_passes_the_filters(api: APIClient) -> None:
    make_post(texts=["word 6"], view_count=1, published_at=START - timedelta(days=1))
    filters = {"minViews": 5, "contentType": "photo", "ordering": "publishedAt", "pageSize": 2}
    assert find(api, "word", **filters) == ["word 0", "word 1"]
    assert find(api, "word", **{**filters, "ordering": "-publishedAt"}) == ["word 5", "word 3"]
    assert find(api, "word -5", ordering="-publishedAt", pageSize=2) == ["word 4", "word 3"]
    assert find(api, "word", slideType="cta", ordering="publishedAt") == []


@pytest.mark.usefixtures("too_many")
def test_the_latest_of_too_many_are_found_along_an_index_or_among_all(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements(ordering: str) -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            find(api, "word", ordering=ordering, pageSize=2)
        return [each["sql"] for each in asked if ") AS post JOIN " in each["sql"]]

    (top,) = statements("-publishedAt")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + top)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "post_newest" in plan
    assert "slide_reading_position" in plan
    monkeypatch.setattr(service, "TOP", 1)
    assert len(statements("-publishedAt")) == 2
    assert find(api, "word", ordering="-publishedAt", pageSize=2) == ["word 5", "word 4"]

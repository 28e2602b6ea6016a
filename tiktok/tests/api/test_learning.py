"""Hooks, patterns and copies."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from media_cache.models import Fingerprint
from ocr.models import PostCategory, SlideReading
from tiktok.models import PostInsight, Slide, TikTokPost
from tiktok.services.hooks import NEARLY, Hook, group_hooks, similarity, trigrams
from tiktok.services.patterns import Carousel, NumberPattern, SharePattern, compare, words
from tiktok.tests.api.world import START, make_asset, make_post, make_profile

pytestmark = pytest.mark.django_db


def scored(score: float | None, n: int = 12, types: str = "", **fields: Any) -> TikTokPost:
    """A post with an outlier score; ``types`` names its slides' types, with blanks between."""
    post = make_post(**fields)
    PostInsight.objects.filter(post=post).update(
        outlier_score=score, outlier_n=n, low_confidence=n < 10
    )
    for position, kind in enumerate(types.split()):
        SlideReading.objects.filter(reading=post.reading, position=position).update(slide_type=kind)
    return post


def results(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def hooks(api: APIClient, **query: Any) -> list[str]:
    return [hook["text"] for hook in results(api.get("/api/tiktok/hooks", query))]


# --- Hooks -------------------------------------------------------------------------------------


def test_a_hook_is_the_hook_slide_or_else_the_first_with_text(
    api: APIClient, conforms: Any
) -> None:
    typed = scored(3, texts=["Swipe", "The real hook"], types="content hook")
    untyped = scored(9, texts=["", "First words", "More"])
    scored(None, texts=["Nobody knows yet"])
    scored(99, texts=["", ""])
    scored(99, texts=[None])
    make_post(texts=())
    body = api.get("/api/tiktok/hooks").json()
    conforms(body, "HookPage")
    first, second, third = body["results"]
    assert (first["text"], first["postId"], first["position"]) == (
        "First words",
        str(untyped.pk),
        1,
    )
    assert (second["text"], second["slideType"]) == ("The real hook", "hook")
    assert (second["outlierScore"], second["postId"]) == (3, str(typed.pk))
    assert (third["text"], third["outlierScore"]) == ("Nobody knows yet", None)
    assert first["asset"]["url"].startswith("http://testserver/media/")
    assert body["count"] == 3


def test_hooks_are_searched_and_narrowed_down(api: APIClient) -> None:
    profile = make_profile()
    scored(5, texts=["Crème brûlée secrets", "follow me"], profile=profile, view_count=7_000_000)
    scored(4, texts=["Ten habits", "crème on slide two only"])
    assert hooks(api, q="creme") == ["Crème brûlée secrets"]
    assert hooks(api, q='"ten habits" -follow') == ["Ten habits"]
    assert hooks(api, q="absent") == []
    assert hooks(api, profileId=str(profile.pk)) == ["Crème brûlée secrets"]
    assert hooks(api, minViews=7_000_000, minOutlier=5) == ["Crème brûlée secrets"]
    assert api.get("/api/tiktok/hooks?q=-only").status_code == 400
    assert api.get("/api/tiktok/hooks?page=2").status_code == 404


def test_near_identical_hooks_are_one_result(api: APIClient) -> None:
    one, other = make_profile(), make_profile()
    best = scored(8, texts=["7 habits that changed my life"], profile=one)
    second = scored(6, texts=["5 HABITS that changed my life!!"], profile=other)
    third = scored(2, texts=["9 habits that have changed my life"], profile=other)
    scored(7, texts=["What nobody tells you about Rome"], profile=other)
    found = results(api.get("/api/tiktok/hooks"))
    assert [hook["text"] for hook in found] == [
        "7 habits that changed my life",
        "What nobody tells you about Rome",
    ]
    assert (found[0]["postId"], found[0]["posts"], found[0]["accounts"]) == (str(best.pk), 3, 2)
    assert [use["postId"] for use in found[0]["others"]] == [str(second.pk), str(third.pk)]
    assert (found[1]["posts"], found[1]["others"]) == (1, [])


def test_likeness_is_the_share_of_common_trigrams() -> None:
    assert trigrams("Ab, 12!") == {"  a", " ab", "ab ", "  0", " 0 "}
    # of "cat" and "cats": "  c", " ca", "cat" are common; "at ", "ats", "ts " are not
    assert similarity(trigrams("cat"), trigrams("cats")) == 0.5
    assert similarity(trigrams("上海美食"), trigrams("上海美食！")) == 1
    assert similarity(trigrams("🔥🔥"), trigrams("🔥🔥")) == 1


def test_groups_are_those_of_comparing_each_with_every_head() -> None:
    draw = random.Random(8)
    said = [
        "three small habits that changed my life",
        "what nobody tells you about Rome",
        "上海美食",
    ]
    texts = [
        "".join(letter for letter in draw.choice(said) if draw.random() < 0.95) for _ in range(300)
    ]
    hooks = [Hook(uuid4(), uuid4(), number, text) for number, text in enumerate(texts)]
    heads: list[Hook] = []
    expected: list[list[int]] = []
    for hook in hooks:
        shape = trigrams(hook.text)
        home = next(
            (n for n, head in enumerate(heads) if similarity(shape, trigrams(head.text)) >= NEARLY),
            None,
        )
        if home is None:
            heads.append(hook)
            expected.append([hook.slide_reading_id])
        else:
            expected[home].append(hook.slide_reading_id)
    groups = group_hooks(hooks)
    found = [[hook.slide_reading_id for hook in (each.head, *each.others)] for each in groups]
    assert found == expected
    assert 3 < len(found) < 300


def test_the_library_costs_the_same_for_any_number(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    for rows in (1, 15):
        for number in range(rows):
            scored(number, texts=[f"{chr(97 + number) * 5} {chr(110 - number) * 7}", "b"])
        # token and user, hooks, texts, posts, slides, assets
        with django_assert_num_queries(6):
            hooks(api)


# --- Patterns ------------------------------------------------------------------------------------


def some_carousels(category: PostCategory) -> None:
    """Twelve that did well: four slides, at 18 h; 36 that did not: two slides, at 9 h."""
    for number in range(48):
        well = number < 12
        scored(
            10 - number / 100 if well else 1,
            types="hook content content cta" if well else "content content",
            texts=["One two three", "four", "five", "six"] if well else ["One", "two"],
            reading={"category": category},
            published_at=START.replace(day=5 if number % 2 else 6, hour=18 if well else 9),
        )


def test_the_report_tells_what_the_best_quarter_has(api: APIClient, conforms: Any) -> None:
    category = PostCategory.objects.create(name="Habits")
    some_carousels(category)
    scored(99, n=9, reading={"category": category})  # low confidence
    scored(None, reading={"category": category})
    scored(99)
    body = api.get(f"/api/tiktok/patterns?categoryId={category.pk}").json()
    conforms(body, "Patterns")
    assert (body["posts"], body["top"], body["rest"], body["minimum"]) == (48, 12, 36, 10)
    assert body["threshold"] == pytest.approx(9.89)
    assert body["isCut"] is False
    numbers = {one["feature"]: one for one in body["numbers"]}
    assert numbers["slides"] == {
        "feature": "slides",
        **{"topN": 12, "top": 4, "restN": 36, "rest": 2, "effect": 2, "interval": [2, 2]},
        "clear": True,
    }
    assert (numbers["wordsPerSlide"]["top"], numbers["wordsPerSlide"]["rest"]) == (1.5, 1)
    assert (numbers["hookWords"]["top"], numbers["hookWords"]["rest"]) == (3, 1)
    shares = {(one["feature"], one["value"]): one for one in body["shares"]}
    hook = shares["slideType", "hook"]
    assert (hook["posts"], hook["top"], hook["rest"], hook["effect"]) == (12, 1, 0, 1)
    # 1 - hypot(1 - 12 / 15.8415, 3.8415 / 39.8415), as 3.8415 is the square of 1.96
    assert hook["interval"] == [0.739, 1]
    assert shares["slideType", "content"]["effect"] == 0
    assert shares["slideOrder", "hook > content > cta"]["top"] == 1
    assert shares["hour", "18"]["effect"] == 1
    monday = shares["weekday", "monday"]
    assert (monday["posts"], monday["top"], monday["rest"]) == (24, 0.5, 0.5)
    assert monday["interval"][0] < 0 < monday["interval"][1]
    assert (hook["clear"], monday["clear"]) == (True, False)
    assert shares["category", "Habits"]["effect"] == 0
    assert len(shares) == 10


def test_too_few_posts_tell_nothing(api: APIClient) -> None:
    profile = make_profile()
    for number in range(39):
        scored(number, profile=profile)
    body = api.get(f"/api/tiktok/patterns?profileId={profile.pk}").json()
    assert (body["posts"], body["top"], body["numbers"], body["shares"]) == (39, 0, [], [])
    scored(50, profile=profile, texts=["a"] * 5, published_at=START.replace(hour=23))
    body = api.get(f"/api/tiktok/patterns?profileId={profile.pk}").json()
    assert (body["top"], body["rest"]) == (10, 30)
    assert not [one for one in body["shares"] if one["value"] == "23"]


def test_what_is_drawn_at_random_is_hardly_ever_clear() -> None:
    draw = random.Random(1)

    def drawn() -> Carousel:
        texts = ["word " * draw.randint(1, 12) for _ in range(draw.randint(2, 10))]
        kinds = [draw.choice(["hook", "content", "cta"]) for _ in texts]
        when = START + timedelta(hours=draw.randrange(24 * 365))
        return Carousel(draw.lognormvariate(0, 1), when, "Habits", len(texts), texts, kinds)

    seeming = clear = 0
    for _ in range(40):
        report = compare([drawn() for _ in range(400)])
        told: list[NumberPattern | SharePattern] = [*report.numbers, *report.shares]
        assert len(told) > 30
        seeming += sum(not one.difference.is_none_possible for one in told)
        clear += any(one.is_clear for one in told)
    assert seeming > 20  # one in twenty, as intervals of 95 % have it
    assert clear <= 5  # of 40 reports, two are expected


def test_the_report_is_of_a_profile_or_a_category(api: APIClient) -> None:
    answer = api.get("/api/tiktok/patterns")
    assert answer.status_code == 400
    assert "profileId" in answer.json()["fields"]


def test_the_report_takes_the_same_queries_for_any_number(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    category = PostCategory.objects.create(name="Habits")
    url = f"/api/tiktok/patterns?categoryId={category.pk}"
    scored(1, reading={"category": category})
    with django_assert_num_queries(4):  # token and user, posts, slides, texts
        api.get(url)
    some_carousels(category)
    with django_assert_num_queries(4):
        api.get(url)


def test_words_are_counted_in_any_script() -> None:
    assert words("Don't stop: 5 things!") == 4
    assert words("上海美食 ok") == 5
    assert words(" … ") == 0


# --- Copies --------------------------------------------------------------------------------------


def show(post: TikTokPost, position: int, sha256: str) -> None:
    """Let a slide of the post have these bytes."""
    slide = Slide.objects.get(post=post, position=position)
    slide.asset.sha256 = sha256
    slide.asset.save()


def test_copies_name_the_account_that_was_first(
    api: APIClient, conforms: Any, django_assert_num_queries: Any
) -> None:
    a, b, c = (make_profile() for _ in range(3))
    late = make_post(a, texts=["x", "y"], published_at=START.replace(day=9))
    early = make_post(b, texts=["z"], published_at=START.replace(day=2))
    middle = make_post(c, texts=["w"], published_at=START.replace(day=5))
    own = [make_post(a, texts=["v"]), make_post(a, texts=["v"])]
    for post, position in ((late, 1), (early, 0), (middle, 0)):
        show(post, position, "a" * 64)
    for post in own:
        show(post, 0, "b" * 64)  # one account alone
    with django_assert_num_queries(5):  # token and user, copies, posts, assets, texts
        body = api.get("/api/tiktok/copies").json()
    conforms(body, "CopyPage")
    (copy,) = body["results"]
    assert (copy["sha256"], copy["accounts"], copy["posts"]) == ("a" * 64, 3, 3)
    assert (copy["first"]["postId"], copy["first"]["handle"]) == (str(early.pk), b.handle)
    assert copy["text"] == "z"
    assert [(use["postId"], use["position"]) for use in copy["others"]] == [
        (str(middle.pk), 0),
        (str(late.pk), 1),
    ]
    assert body["count"] == 1


def test_the_same_file_in_two_accounts_is_a_copy_and_pages_go_on(api: APIClient) -> None:
    one, other = make_profile(), make_profile()
    shared, twice = make_asset(), make_asset()
    for profile in (one, other, make_profile()):
        post = make_post(profile)
        Slide.objects.filter(post=post, position=0).update(asset=shared)
        if profile is not other:
            Slide.objects.filter(post=post, position=1).update(asset=twice)
    pages = [api.get(f"/api/tiktok/copies?pageSize=1&page={n}").json() for n in (1, 2)]
    assert [page["results"][0]["sha256"] for page in pages] == [shared.sha256, twice.sha256]
    assert [page["count"] for page in pages] == [2, 2]
    assert pages[1]["next"] is None
    mine = results(api.get(f"/api/tiktok/copies?profileId={other.pk}"))
    assert [copy["sha256"] for copy in mine] == [shared.sha256]
    assert api.get("/api/tiktok/copies?page=3").status_code == 404


def test_unknown_bytes_are_no_copies(api: APIClient) -> None:
    for _ in range(2):
        show(make_post(texts=["x"]), 0, "")
    assert results(api.get("/api/tiktok/copies")) == []


def look_alike(*posts: TikTokPost) -> None:
    """Let the first slides of these look the same."""
    assets = [Slide.objects.get(post=post, position=0).asset_id for post in posts]
    for asset in assets:
        Fingerprint.objects.create(asset_id=asset, made_at=START, family=assets[0])


def test_a_slide_that_looks_and_says_the_same_is_a_copy_but_not_an_exact_one(
    api: APIClient, conforms: Any
) -> None:
    original = make_post(make_profile(), texts=["Three habits, 5 am"], published_at=START)
    again, later = (
        make_post(make_profile(), texts=[text], published_at=START.replace(day=day))
        for day, text in ((3, "THREE habits 5 AM!"), (4, "three habits: 5 am"))
    )
    look_alike(original, again, later)
    sha256 = Slide.objects.get(post=original).asset.sha256
    show(later, 0, sha256)
    body = api.get("/api/tiktok/copies").json()
    conforms(body, "CopyPage")
    (copy,) = body["results"]
    assert (copy["sha256"], copy["accounts"], copy["exact"]) == (sha256, 3, False)
    assert [(use["postId"], use["exact"]) for use in (copy["first"], *copy["others"])] == [
        (str(original.pk), True),
        (str(again.pk), False),
        (str(later.pk), True),
    ]
    TikTokPost.objects.filter(pk=again.pk).delete()
    (copy,) = results(api.get("/api/tiktok/copies"))
    assert (copy["accounts"], copy["exact"]) == (2, True)


@pytest.mark.parametrize("text", ["Day 2", "Day", "Day one", "", None])
def test_other_words_on_the_same_ground_are_no_copy(api: APIClient, text: str | None) -> None:
    look_alike(*(make_post(make_profile(), texts=[said]) for said in ("Day 1", text)))
    assert results(api.get("/api/tiktok/copies")) == []


def test_pictures_without_words_are_copies_by_their_looks(api: APIClient) -> None:
    look_alike(*(make_post(make_profile(), texts=[""]) for _ in range(2)))
    (copy,) = results(api.get("/api/tiktok/copies"))
    assert (copy["accounts"], copy["exact"]) == (2, False)


def test_the_same_bytes_are_one_picture_whatever_is_known_of_either(api: APIClient) -> None:
    read, unread, other = (make_post(make_profile(), texts=[text]) for text in ("a", None, "A"))
    show(unread, 0, Slide.objects.get(post=read).asset.sha256)
    look_alike(read, other)
    (copy,) = results(api.get("/api/tiktok/copies"))
    assert (copy["accounts"], copy["posts"]) == (3, 3)

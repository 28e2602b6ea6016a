"""The same bytes are never read twice by one reader, whoever posted them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from carousel.lib.drain import drain
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from ocr import services
from ocr.engine import Context, PostRequest, PostResult, SlideResult
from ocr.models import PictureClaim, PostCategory, Reader, Reading, SlideReading, Source
from ocr.services import FLOW, read_again
from ocr.services.engines import reader_of
from ocr.services.hand import take
from ocr.services.reuse import share

pytestmark = pytest.mark.django_db(transaction=True)


class Eyes:
    """A reader that says of each picture which one it is, and remembers what it was asked."""

    name, model, prompt_version = "eyes", "m", "1"
    max_posts, max_images, max_bytes = 8, 64, 10**8

    def __init__(self) -> None:
        self.asked: list[PostRequest] = []
        self.fails = False

    def read(self, posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        self.asked += posts
        if self.fails:
            raise UpstreamError("down", code="down", retryable=True, retry_after=600)
        return [
            PostResult(
                post.key,
                tuple(
                    SlideResult(s.label, f"says {s.load().decode()}", "d", "content", "en", 0.9)
                    for s in post.slides
                ),
                "Fitness",
                0.8,
                "m-1",
            )
            for post in posts
        ]

    def pictures_asked(self) -> list[str]:
        return [slide.load().decode() for post in self.asked for slide in post.slides]


@pytest.fixture
def eyes(monkeypatch: pytest.MonkeyPatch) -> Eyes:
    reader = Eyes()
    monkeypatch.setattr("ocr.services.reading.current_engine", lambda: reader)
    monkeypatch.setattr("ocr.services.hand._content", lambda asset: asset.storage_key.encode())
    return reader


def post(*names: str) -> Reading:
    """A reading of pictures by what their bytes are; every post has files of its own."""
    start = CacheAsset.objects.count()
    assets = CacheAsset.objects.bulk_create(
        CacheAsset(
            kind="image",
            source_key=f"file-{start + n}",
            status=Status.COMPLETED,
            storage_key=name,
            sha256=name,
        )
        for n, name in enumerate(names)
    )
    return services.request_reading([asset.pk for asset in assets], context="c")


def texts(reading: Reading) -> list[str | None]:
    return list(reading.slides.order_by("position").values_list("text", flat=True))


def again(reading: Reading) -> Reading:
    return Reading.objects.get(pk=reading.pk)


def due_now() -> None:
    Reading.objects.filter(status=Status.PENDING).update(run_after=Now() - timedelta(seconds=1))


def test_a_post_of_known_pictures_costs_nothing_and_is_judged_like_the_first(eyes: Eyes) -> None:
    first = post("a", "b")
    drain(FLOW)
    copy = post("a", "b")
    drain(FLOW)
    assert len(eyes.asked) == 1
    after = again(copy)
    assert (after.status, texts(copy)) == (Status.COMPLETED, ["says a", "says b"])
    assert (after.engine, after.model_version, after.cost_usd) == ("eyes", "m-1", Decimal(0))
    assert after.category == again(first).category is not None
    assert (after.category_source, after.category_confidence) == (Source.AI, 0.8)
    assert [s.copied_from for s in copy.slides.order_by("position")] == [
        *first.slides.order_by("position")
    ]


def test_only_the_new_picture_is_asked_for_and_the_known_text_helps_to_judge(eyes: Eyes) -> None:
    post("a", "b")
    drain(FLOW)
    mixed = post("x", "b")
    drain(FLOW)
    asked = eyes.asked[-1]
    assert [slide.label for slide in asked.slides] == ["0"]
    assert [(known.position, known.text) for known in asked.known] == [(1, "says b")]
    assert texts(mixed) == ["says x", "says b"]
    assert again(mixed).category is not None


def test_known_pictures_from_several_posts_need_one_question_without_a_picture(
    eyes: Eyes,
) -> None:
    post("a")
    drain(FLOW)
    post("b")
    drain(FLOW)
    both = post("a", "b")
    drain(FLOW)
    asked = eyes.asked[-1]
    assert (asked.slides, [k.text for k in asked.known]) == ((), ["says a", "says b"])
    assert (again(both).status, again(both).category_source) == (Status.COMPLETED, Source.AI)


def test_posts_of_one_request_and_pictures_of_one_post_share_too(eyes: Eyes) -> None:
    posts = [post("a", "b", "a"), post("b", "c"), post("c", "a")]
    services.read(Reading.objects.claim(10))
    assert sorted(eyes.pictures_asked()) == ["a", "b", "c"]
    due_now()
    drain(FLOW)
    assert sorted(eyes.pictures_asked()) == ["a", "b", "c"]
    assert [texts(each) for each in posts] == [
        ["says a", "says b", "says a"],
        ["says b", "says c"],
        ["says c", "says a"],
    ]
    assert {again(each).status for each in posts} == {Status.COMPLETED}
    assert not PictureClaim.objects.exists()


def test_what_another_worker_reads_just_now_is_waited_for(eyes: Eyes) -> None:
    first, second = post("a"), post("a", "b")
    (held,) = Reading.objects.claim(1, [first.pk])

    def meanwhile(posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        eyes.read = Eyes.read.__get__(eyes)  # type: ignore[method-assign]
        services.read(Reading.objects.claim(1, [second.pk]))
        waits = again(second)
        assert (waits.status, waits.attempts) == (Status.PENDING, 0)
        assert texts(second) == [None, "says b"]
        return eyes.read(posts, context)

    eyes.read = meanwhile  # type: ignore[method-assign]
    services.read([held])
    due_now()
    drain(FLOW)
    assert sorted(eyes.pictures_asked()) == ["a", "b"]
    assert texts(second) == ["says a", "says b"]
    assert again(second).category is not None


def test_a_claim_of_a_worker_that_died_is_anybodys_after_a_while(eyes: Eyes) -> None:
    dead, alive = post("a"), post("a")
    reader = Reader.objects.create(engine="eyes", model="m", prompt_version="1")
    Reading.objects.filter(pk=dead.pk).update(status=Status.BLOCKED)
    claim = PictureClaim.objects.create(
        sha256="a", reader=reader, reading=dead, until=Now() + timedelta(minutes=5)
    )
    drain(FLOW)
    assert texts(alive) == [None]
    PictureClaim.objects.filter(pk=claim.pk).update(until=Now() - timedelta(seconds=1))
    due_now()
    drain(FLOW)
    assert texts(alive) == ["says a"]


def test_a_reader_that_fails_lets_go_of_its_pictures(eyes: Eyes) -> None:
    post("a")
    eyes.fails = True
    drain(FLOW)
    assert not PictureClaim.objects.exists()
    eyes.fails = False
    second = post("a")
    drain(FLOW)
    assert texts(second) == ["says a"]


def test_another_model_or_prompt_reads_for_itself(eyes: Eyes) -> None:
    post("a")
    drain(FLOW)
    eyes.prompt_version = "2"
    post("a")
    drain(FLOW)
    assert eyes.pictures_asked() == ["a", "a"]


def test_whoever_forces_a_reading_gets_a_new_one(eyes: Eyes) -> None:
    first = post("a")
    drain(FLOW)
    post("a")
    drain(FLOW)
    read_again([first.pk], force=True)
    drain(FLOW)
    assert eyes.pictures_asked() == ["a", "a"]


def test_a_forced_reading_that_was_cut_short_goes_on_where_it_was(eyes: Eyes) -> None:
    reading = post("a", "b")
    drain(FLOW)

    def half(posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        (result,) = Eyes.read(eyes, posts, context)
        stop = NotNow("no budget", wait=60)
        return [PostResult(result.key, result.slides[:1], error=stop)]

    eyes.read = half  # type: ignore[method-assign]
    read_again([reading.pk], force=True)
    drain(FLOW)
    eyes.read = Eyes.read.__get__(eyes)  # type: ignore[method-assign]
    eyes.asked.clear()
    due_now()
    drain(FLOW)
    assert eyes.pictures_asked() == ["b"]


def test_outdated_readings_share_their_new_texts(eyes: Eyes) -> None:
    posts = [post("a"), post("a")]
    drain(FLOW)
    eyes.prompt_version = "2"
    eyes.asked.clear()
    assert read_again([each.pk for each in posts], outdated=True) == 2
    drain(FLOW)
    due_now()
    drain(FLOW)
    assert eyes.pictures_asked() == ["a"]
    assert {again(each).prompt_version for each in posts} == {"2"}
    assert read_again([each.pk for each in posts], outdated=True) == 2
    drain(FLOW)
    assert eyes.pictures_asked() == ["a"]


def test_a_persons_correction_goes_with_the_picture_and_stays_where_it_was_made(
    eyes: Eyes,
) -> None:
    first = post("a")
    drain(FLOW)
    services.correct_slide(first, 0, text="what it really says")
    second = post("a")
    drain(FLOW)
    slide = SlideReading.objects.get(reading=second)
    assert (slide.text, slide.source) == ("what it really says", Source.AI)
    assert texts(first) == ["what it really says"]


def test_a_persons_category_is_not_overwritten_by_an_inherited_one(eyes: Eyes) -> None:
    post("a")
    drain(FLOW)
    mine = PostCategory.objects.create(name="Mine")
    second = post("a")
    services.set_category(second, mine)
    drain(FLOW)
    assert again(second).category == mine


def test_looking_up_costs_two_statements_however_many_pictures(
    eyes: Eyes, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids: list[UUID] = [post(*(f"p{n}-{m}" for m in range(10))).pk for n in range(8)]
    reader = reader_of(eyes)
    hands = take(list(Reading.objects.filter(pk__in=ids)), reader)
    with django_assert_num_queries(2):
        share(hands, reader)
    assert sum(len(hand.asks) for hand in hands) == 80

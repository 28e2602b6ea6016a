"""Readings: when they go ahead, what is written, and whose word counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest
from pytest_django import DjangoAssertNumQueries

from carousel.lib.drain import drain
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.signals import assets_settled
from media_cache.storage import media_storage, scratch_folder
from ocr import services
from ocr.engine import Context, PostRequest, PostResult, ReadError, SlideResult
from ocr.models import PostCategory, Reading, SlideReading, Source
from ocr.services import FLOW, ReadingRequest, read_again, release, request_readings

pytestmark = pytest.mark.django_db(transaction=True)

Answer = Callable[[PostRequest], PostResult]


def says(label: str, text: str = "", **fields: Any) -> SlideResult:
    values = {"description": "d", "slide_type": "content", "language": "en", "confidence": 0.9}
    return SlideResult(label=label, text=text or f"text {label}", **{**values, **fields})


def everything(post: PostRequest) -> PostResult:
    slides = tuple(says(slide.label) for slide in post.slides)
    return PostResult(post.key, slides, "Fitness", 0.8, "m-1", 100, 10, Decimal("0.00001"))


class Script:
    """A reader that answers as a test says and remembers what it was asked."""

    name = "script"
    model = "m"
    prompt_version = "1"
    max_posts, max_images, max_bytes = 8, 64, 10**8

    def __init__(self) -> None:
        self.answer: Answer = everything
        self.asked: list[tuple[str, list[str]]] = []

    def read(self, posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        self.asked += [(post.key, [slide.label for slide in post.slides]) for post in posts]
        return [self.answer(post) for post in posts]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr("ocr.services.reading.current_engine", lambda: script)
    return script


def pictures(count: int, name: str = "p") -> list[UUID]:
    assets = CacheAsset.objects.bulk_create(
        CacheAsset(kind="image", source_key=f"{name}{number}") for number in range(count)
    )
    return [asset.pk for asset in assets]


def store(*ids: UUID) -> None:
    path = scratch_folder() / "picture"
    path.write_bytes(b"bytes")
    media_storage().put("pp/picture.jpg", path, "image/jpeg", "")
    CacheAsset.objects.filter(pk__in=ids).update(
        status=Status.COMPLETED, storage_key="pp/picture.jpg", content_type="image/jpeg"
    )
    assets_settled.send(CacheAsset, asset_ids=list(ids))


def fail(*ids: UUID) -> None:
    CacheAsset.objects.filter(pk__in=ids).update(status=Status.FAILED, error_code="not_found")
    assets_settled.send(CacheAsset, asset_ids=list(ids))


def reading_of(ids: Sequence[UUID]) -> Reading:
    return services.request_reading(ids, context="a caption", language="en")


def texts(reading: Reading) -> list[str | None]:
    return list(reading.slides.order_by("position").values_list("text", flat=True))


def current(reading: Reading) -> Reading:
    return Reading.objects.get(pk=reading.pk)


def test_a_reading_waits_for_its_last_picture(reader: Script) -> None:
    ids = pictures(3)
    reading = reading_of(ids)
    for pk in ids:
        assert current(reading).status == Status.BLOCKED
        store(pk)
    assert drain(FLOW) == 1
    after = current(reading)
    assert after.status == Status.COMPLETED
    assert texts(reading) == ["text 0", "text 1", "text 2"]
    assert (after.engine, after.model, after.model_version) == ("script", "m", "m-1")
    assert (after.input_tokens, after.cost_usd) == (100, Decimal("0.00001"))
    assert after.category is not None
    assert after.category.name == "Fitness"


def test_pictures_that_are_there_already_are_not_waited_for(reader: Script) -> None:
    ids = pictures(2)
    store(*ids)
    assert reading_of(ids).status == Status.PENDING


def test_a_lost_signal_is_made_good_by_the_sweep(reader: Script) -> None:
    ids = pictures(1)
    reading = reading_of(ids)
    CacheAsset.objects.update(status=Status.COMPLETED, storage_key="x")
    assert release() == 1
    assert current(reading).status == Status.PENDING


def test_a_picture_that_failed_is_left_out_and_read_when_it_arrives_after_all(
    reader: Script,
) -> None:
    ids = pictures(2)
    reading = reading_of(ids)
    store(ids[0])
    fail(ids[1])
    drain(FLOW)
    assert texts(reading) == ["text 0", None]
    store(ids[1])
    drain(FLOW)
    assert texts(reading) == ["text 0", "text 1"]
    assert reader.asked[-1][1] == ["1"]


def test_a_picture_that_arrives_after_all_is_seen_by_the_sweep_where_its_signal_was_lost(
    reader: Script,
) -> None:
    ids = pictures(2)
    partly, nothing = reading_of(ids), reading_of(ids[1:])
    store(ids[0])
    fail(ids[1])
    drain(FLOW)
    assert [current(one).status for one in (partly, nothing)] == ["completed", "failed"]
    assert release() == 0
    CacheAsset.objects.filter(pk=ids[1]).update(status=Status.COMPLETED, storage_key="x")
    assert release() == 2
    drain(FLOW)
    assert (texts(partly), texts(nothing)) == (["text 0", "text 1"], ["text 0"])


def test_a_picture_that_arrived_opens_its_reading_once_however_that_ends(reader: Script) -> None:
    ids = pictures(1)
    reading = reading_of(ids)
    fail(*ids)
    drain(FLOW)
    CacheAsset.objects.update(status=Status.COMPLETED, storage_key="x")
    assert release() == 1
    Reading.objects.update(status=Status.FAILED, error_code="invalid_key")
    assert (release(), release(ids)) == (0, 0)
    assert current(reading).status == Status.FAILED


def test_nothing_stored_is_nothing_to_read(reader: Script) -> None:
    ids = pictures(2)
    reading = reading_of(ids)
    fail(*ids)
    drain(FLOW)
    after = current(reading)
    assert (after.status, after.error_code) == (Status.FAILED, "no_slides")
    assert reader.asked == []


def test_what_was_answered_is_kept_and_only_the_rest_is_asked_again(reader: Script) -> None:
    ids = pictures(2)
    store(*ids)
    reading = reading_of(ids)
    missing = ReadError("missing_answer", "no answer for it", retryable=True)
    reader.answer = lambda post: PostResult(post.key, (says("0"),), errors={"1": missing})
    drain(FLOW)
    assert (current(reading).status, texts(reading)) == (Status.PENDING, ["text 0", None])
    reader.answer = everything
    Reading.objects.update(run_after=reading.created_at)
    drain(FLOW)
    assert (current(reading).status, texts(reading)) == (Status.COMPLETED, ["text 0", "text 1"])
    assert [labels for _, labels in reader.asked] == [["0", "1"], ["1"]]


def test_one_bad_post_never_costs_another_its_result(reader: Script) -> None:
    store(*(first := pictures(1, "a")), *(second := pictures(1, "b")))
    bad, good = reading_of(first), reading_of(second)

    def answer(post: PostRequest) -> PostResult:
        blocked = UpstreamError("blocked: SAFETY", code="blocked", retryable=False)
        return PostResult(post.key, error=blocked) if post.key == str(bad.pk) else everything(post)

    reader.answer = answer
    services.read(Reading.objects.claim(10))
    assert (current(bad).status, current(bad).error_code) == (Status.FAILED, "blocked")
    assert current(good).status == Status.COMPLETED


def test_a_quota_of_the_service_costs_no_attempt(reader: Script) -> None:
    store(*(ids := pictures(1)))
    reading = reading_of(ids)

    def answer(post: PostRequest) -> PostResult:
        raise NotNow("the quota of today is used up", wait=3600)

    reader.answer = answer
    drain(FLOW)
    after = current(reading)
    assert (after.status, after.attempts) == (Status.PENDING, 0)
    assert "quota" in after.error


def test_no_machine_overwrites_a_person(reader: Script) -> None:
    store(*(ids := pictures(3)))
    reading = reading_of(ids)
    drain(FLOW)
    services.correct_slide(reading, 0, text="mine", slide_type="hook")
    services.set_category(reading, None)
    read_again([reading.pk], force=True)
    reader.answer = lambda post: PostResult(
        post.key, tuple(says(slide.label, "new") for slide in post.slides), "Travel", 0.9
    )
    drain(FLOW)
    assert texts(reading) == ["mine", "new", "new"]
    assert current(reading).category is None
    assert reader.asked[-1][1] == ["1", "2"]


def test_a_correction_made_while_the_slide_is_being_read_wins(reader: Script) -> None:
    store(*(ids := pictures(1)))
    reading = reading_of(ids)

    def answer(post: PostRequest) -> PostResult:
        services.correct_slide(reading, 0, text="mine")
        return everything(post)

    reader.answer = answer
    drain(FLOW)
    assert texts(reading) == ["mine"]


def test_a_type_set_by_a_person_before_the_text_was_read_stays(reader: Script) -> None:
    store(*(ids := pictures(1)))
    reading = reading_of(ids)
    services.correct_slide(reading, 0, slide_type="cta")
    drain(FLOW)
    slide = SlideReading.objects.get()
    assert (slide.text, slide.slide_type, slide.source) == ("text 0", "cta", Source.HUMAN)


def test_reading_again_without_force_asks_only_for_what_is_missing(reader: Script) -> None:
    store(*(ids := pictures(2)))
    reading = reading_of(ids)
    drain(FLOW)
    assert read_again([reading.pk]) == 0
    assert current(reading).status == Status.COMPLETED


def test_a_new_category_may_wait_for_a_person(reader: Script, settings: Any) -> None:
    settings.OCR_NEW_CATEGORIES = "propose"
    store(*(ids := pictures(1)))
    reading = reading_of(ids)
    drain(FLOW)
    category = PostCategory.objects.get(name="Fitness")
    assert (category.active, current(reading).category) == (False, None)
    assert services.accept_category(category) == 1
    assert current(reading).category == category


def test_a_category_is_found_without_regard_to_case(reader: Script) -> None:
    known = PostCategory.objects.create(name="FITNESS")
    store(*(ids := pictures(1)))
    reading = reading_of(ids)
    drain(FLOW)
    assert current(reading).category == known


def test_unknown_is_an_answer(reader: Script) -> None:
    store(*(ids := pictures(1)))
    reading = reading_of(ids)
    reader.answer = lambda post: PostResult(post.key, (says("0"),), "unknown", 0.2)
    drain(FLOW)
    assert current(reading).category is None
    assert not PostCategory.objects.exists()


def test_many_readings_are_asked_for_in_a_constant_number_of_statements(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ids = pictures(100)
    requests = [ReadingRequest(tuple(ids[n : n + 5]), "c") for n in range(0, 100, 5)]
    with django_assert_num_queries(1):  # readings; a COPY of their slides is not counted
        assert len(request_readings(requests)) == 20


def test_search_text_is_folded(reader: Script) -> None:
    store(*(ids := pictures(1)))
    reading_of(ids)
    reader.answer = lambda post: PostResult(post.key, (says("0", "Über ÇA"),))
    drain(FLOW)
    assert SlideReading.objects.get().search_text == "uber ca"
    folded, offsets = services.fold_with_offsets("ﬁn É")
    assert (folded, offsets) == ("fin e", [0, 0, 1, 2, 3])
    assert cast(Any, FLOW.model) is Reading

"""Readings: when they go ahead, what is written, and whose word counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from pytest_django import DjangoAssertNumQueries

from carousel.lib.drain import drain
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from ocr import services
from ocr.engine import PostRequest, PostResult, ReadError
from ocr.models import Reading, SlideReading
from ocr.services import FLOW, ReadingRequest, read_again, release, request_readings
from ocr.tests.script import (
    Script,
    current,
    everything,
    fail,
    pictures,
    reading_of,
    says,
    store,
    texts,
)

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_reading_again_without_force_asks_only_for_what_is_missing(reader: Script) -> None:
    store(*(ids := pictures(2)))
    reading = reading_of(ids)
    drain(FLOW)
    assert read_again([reading.pk]) == 0
    assert current(reading).status == Status.COMPLETED


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

"""Readings that wait for their pictures: what they know of them, and what wakes them."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection

from carousel.lib.drain import drain
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from ocr import services
from ocr.models import Reading, Source
from ocr.services import FLOW, release
from ocr.tests.script import Script, current, fail, pictures, reading_of, store, texts

pytestmark = pytest.mark.django_db(transaction=True)


def held(reading: Reading) -> list[tuple[int, UUID]]:
    return list(reading.slides.order_by("position").values_list("position", "asset"))


def test_pictures_have_slides_once_all_have_come_to_rest(reader: Script) -> None:
    third, first, second = ids = pictures(3)
    reading = reading_of(ids)
    assert (current(reading).awaited, held(reading)) == (ids, [])
    store(first, second)
    assert (current(reading).awaited, held(reading)) == (ids, [])
    fail(third)
    after = current(reading)
    assert (after.status, after.awaited, after.watched) == (Status.PENDING, None, None)
    assert held(reading) == list(enumerate(ids))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_last_picture_wakes_it_whichever_that_is(
    order: tuple[int, ...], reader: Script
) -> None:
    ids = pictures(3)
    reading = reading_of(ids)
    for place in order:
        assert current(reading).status == Status.BLOCKED
        store(ids[place])
    assert current(reading).status == Status.PENDING


def test_pictures_that_arrive_at_once_in_several_processes_wake_all_without_a_sweep(
    reader: Script,
) -> None:
    posts, slides = 12, 4
    carousels = [pictures(slides, f"post{number}-") for number in range(posts)]
    readings = [reading_of(ids) for ids in carousels]
    start = threading.Barrier(slides)

    def settle(place: int) -> None:
        try:
            start.wait(10)
            for ids in carousels:
                fail(ids[place])
        finally:
            connection.close()

    with ThreadPoolExecutor(slides) as pool:
        for _ in pool.map(settle, range(slides)):
            pass
    assert {current(reading).status for reading in readings} == {Status.PENDING}


def test_a_signal_that_was_lost_halfway_is_made_good_by_the_sweep(reader: Script) -> None:
    ids = pictures(3)
    reading = reading_of(ids)
    CacheAsset.objects.filter(pk=ids[2]).update(status=Status.FAILED)
    assert (release(), release([ids[0]])) == (0, 0)
    CacheAsset.objects.update(status=Status.FAILED)
    assert release() == 1
    assert held(reading) == list(enumerate(ids))


def test_a_person_may_say_what_a_slide_says_before_its_picture_is_there(reader: Script) -> None:
    ids = pictures(2)
    reading = reading_of(ids)
    services.correct_slide(reading, 1, text="mine")
    assert current(reading).status == Status.BLOCKED
    store(*ids)
    drain(FLOW)
    assert texts(reading) == ["text 0", "mine"]
    assert reading.slides.get(position=1).source == Source.HUMAN
    assert reader.asked[-1][1] == ["0"]


def test_a_retry_reads_what_is_there_and_the_rest_when_it_arrives(reader: Script) -> None:
    ids = pictures(2)
    reading = reading_of(ids)
    store(ids[0])
    Reading.objects.all().requeue()
    drain(FLOW)
    assert texts(reading) == ["text 0", None]
    store(ids[1])
    drain(FLOW)
    assert texts(reading) == ["text 0", "text 1"]


def test_a_picture_that_is_gone_meanwhile_is_left_out(reader: Script) -> None:
    ids = pictures(3)
    reading = reading_of(ids)
    CacheAsset.objects.filter(pk=ids[1]).delete()
    store(ids[0], ids[2])
    assert held(reading) == [(0, ids[0]), (2, ids[2])]
    drain(FLOW)
    assert texts(reading) == ["text 0", "text 2"]

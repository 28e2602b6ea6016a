"""``run_ocr``: which readings are asked for again, and reading them here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from carousel.lib.work import Status
from carousel.tests.commands import run_command
from media_cache.models import CacheAsset
from ocr.engine import PostRequest, PostResult, ReadError
from ocr.models import Reading, SlideReading, Source
from ocr.services import ReadingRequest, correct_slide, request_readings
from ocr.tests.carousels import photo_posts, said, stored, truth
from ocr.tests.script import Script, pictures, store

pytestmark = pytest.mark.django_db(transaction=True)


def request(posts: int, *, stored: bool = True) -> list[UUID]:
    """Readings of two pictures each."""
    assets = [pictures(2, f"post{CacheAsset.objects.count()}-{n}") for n in range(posts)]
    if stored:
        store(*(pk for pair in assets for pk in pair))
    return request_readings([ReadingRequest(tuple(pair)) for pair in assets])


def refuse(post: PostRequest) -> PostResult:
    error = ReadError("blocked", "Gemini blocked it.", retryable=False)
    return PostResult(post.key, errors={slide.label: error for slide in post.slides})


def test_without_a_choice_states_and_cost_are_shown(reader: Script, empty_redis: None) -> None:
    request(2)
    request(1, stored=False)
    answered = run_command("run_ocr", "--json")
    assert answered.document["readings"]["byStatus"]["pending"]["slides"] == 4
    assert answered.document["readings"]["byStatus"]["blocked"]["posts"] == 1
    assert (answered.document["workers"], answered.document["requested"]) == ("missing", None)
    assert not reader.asked


def test_what_is_due_is_read_here(reader: Script) -> None:
    request(3)
    request(1, stored=False)
    answered = run_command("run_ocr", "--now", "--json")
    worked, total = answered.document["worked"], answered.document["readings"]["total"]
    assert (worked["read"], worked["failed"], worked["left"]) == (3, 0, 0)
    assert total == {
        "posts": 4, "slides": 8, "slidesRead": 6, "inputTokens": 300, "outputTokens": 30,
        "costUsd": pytest.approx(0.00003),
    }  # fmt: skip
    assert (answered.err, answered.failure) == ("", "")
    lines = run_command("run_ocr").out.splitlines()
    assert lines[-1].split() == ["all", "4", "8", "6", "300", "30", "0.0000"]


def test_failed_ones_are_asked_for_again(reader: Script) -> None:
    ids = request(3)
    Reading.objects.filter(pk=ids[0]).update(status=Status.FAILED, error_code="time_limit")
    answered = run_command("run_ocr", "--failed", "--now", "--json")
    assert (answered.document["chosen"], answered.document["worked"]["read"]) == (1, 1)
    assert [key for key, _ in reader.asked] == [str(ids[0])]
    assert run_command("run_ocr", "--failed", "--json").document["chosen"] == 0


def test_failures_are_told_with_a_reason_and_fail_the_command(reader: Script) -> None:
    reader.answer = refuse
    request(1)
    answered = run_command("run_ocr", "--now")
    assert answered.failure == "Of 1 posts 1 failed (blocked 1): Gemini blocked it."
    assert "0 posts read in" in answered.out


def test_a_refused_key_is_told_and_asked_with_again(gemini_box: Any) -> None:
    gemini_box.faults.add("/gemini/v1beta/models/", "http_401")
    (post,) = photo_posts(gemini_box, 1)
    reading = stored(post)
    answered = run_command("run_ocr", "--now")
    assert "Reading is stopped." in answered.failure
    assert "GEMINI_API_KEY" in answered.failure
    gemini_box.faults.clear()
    Reading.objects.update(run_after=Now())
    assert run_command("run_ocr", "--now").failure == ""
    assert said(reading) == truth(post, gemini_box)


def test_reading_everything_again_has_to_be_meant() -> None:
    assert "--force reads again what was paid for" in run_command("run_ocr", "--force").failure


def test_force_on_failed_ones_keeps_a_persons_words(reader: Script) -> None:
    (pk,) = request(1)
    run_command("run_ocr", "--now")
    correct_slide(Reading.objects.get(), 0, text="mine")
    Reading.objects.update(status=Status.FAILED)
    run_command("run_ocr", "--failed", "--force", "--now")
    assert [labels for _, labels in reader.asked] == [["0", "1"], ["1"]]
    slide = SlideReading.objects.get(reading=pk, position=0)
    assert (slide.text, slide.source) == ("mine", Source.HUMAN)

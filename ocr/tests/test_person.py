"""What a person decides stays, whatever a machine says later."""

from __future__ import annotations

from typing import Any

import pytest

from carousel.lib.drain import drain
from ocr import services
from ocr.engine import PostRequest, PostResult
from ocr.models import PostCategory, Reading, SlideReading, Source
from ocr.services import FLOW, read_again
from ocr.tests.script import (
    Answer,
    Script,
    current,
    everything,
    pictures,
    reading_of,
    says,
    store,
    texts,
)

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_type_set_while_the_slide_is_being_read_stays(reader: Script) -> None:
    store(*(ids := pictures(1)))
    reading = reading_of(ids)

    def answer(post: PostRequest) -> PostResult:
        services.correct_slide(reading, 0, slide_type="cta")
        return everything(post)

    reader.answer = answer
    drain(FLOW)
    slide = SlideReading.objects.get()
    assert (slide.text, slide.slide_type, slide.source) == ("text 0", "cta", Source.HUMAN)


def judged(category: str | None) -> Answer:
    def answer(post: PostRequest) -> PostResult:
        return PostResult(post.key, (says("0"),), category, 0.9)

    return answer


def test_a_proposal_does_not_outlive_the_next_judgement(reader: Script, settings: Any) -> None:
    settings.OCR_NEW_CATEGORIES = "propose"
    travel = PostCategory.objects.create(name="Travel")
    store(*(ids := pictures(1)))
    reading = reading_of(ids)
    drain(FLOW)
    proposed = PostCategory.objects.get(name="Fitness")
    for name, category in (("Travel", travel), (None, None)):
        Reading.objects.update(proposed_category=proposed)
        reader.answer = judged(name)
        read_again([reading.pk], force=True)
        drain(FLOW)
        assert services.accept_category(proposed) == 0
        assert current(reading).category == category


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

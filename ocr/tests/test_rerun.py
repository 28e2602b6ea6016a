"""Reading again: what a condition finds, what it will cost, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from carousel.lib.drain import drain
from carousel.lib.work import Priority, Status
from carousel.tests.commands import run_command
from media_cache.models import CacheAsset
from ocr import services
from ocr.models import ModelCall, PostCategory, Reader, Reading, SlideReading, Source
from ocr.services import FLOW, Choice, Manner, estimate_price, read_again, rerun
from ocr.services.engines import current_engine, reader_of
from ocr.tests.carousels import photo_posts, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gemini(settings: Any) -> Reader:
    settings.OCR_ENGINE, settings.GEMINI_API_KEY = "gemini", "k"
    settings.GEMINI_BASE_URL = "http://127.0.0.1:9"
    return reader_of(current_engine())


def read(
    reader: Reader, *digests: str, prompt: str | None = None, sure: float = 0.9, **fields: Any
) -> Reading:
    """A finished reading by this reader, or by one with another version of the prompt."""
    if prompt is not None:
        reader, _ = Reader.objects.get_or_create(
            engine=reader.engine, model=reader.model, prompt_version=prompt
        )
    values = {
        "status": Status.COMPLETED,
        "engine": reader.engine,
        "model": reader.model,
        "prompt_version": reader.prompt_version,
    }
    reading = Reading.objects.create(**{**values, **fields})
    for position, digest in enumerate(digests):
        asset = CacheAsset.objects.create(
            kind="image",
            source_key=f"{reading.pk}-{position}",
            status=Status.COMPLETED,
            storage_key=digest,
            sha256=digest,
        )
        SlideReading.objects.create(
            reading=reading,
            position=position,
            asset=asset,
            text=digest,
            source=Source.AI,
            confidence=sure,
            reader=reader,
        )
    return reading


def chosen(**conditions: Any) -> set[Reading]:
    return set(Choice(**conditions).readings())


def test_conditions_find_what_they_say(gemini: Reader) -> None:
    food = PostCategory.objects.create(name="Food")
    fresh, old = read(gemini, "a"), read(gemini, "b", prompt="0")
    failed = read(gemini, "c", status=Status.FAILED)
    unsure, fed = read(gemini, "d", sure=0.3), read(gemini, "e", category=food)
    local = Reader.objects.create(engine="local", model="l", prompt_version="9")
    drawn = read(local, "f", category=food)
    assert chosen(failed=True) == {failed}
    assert chosen(older_prompt=True) == {old}
    assert chosen(category=food) == {fed, drawn}
    assert chosen(category=food, engine="local") == {drawn}
    assert chosen(below_confidence=0.5) == {unsure}
    assert chosen() == {fresh, old, failed, unsure, fed, drawn}
    unsure.slides.update(source=Source.HUMAN)
    assert chosen(below_confidence=0.5) == set()


def test_the_estimate_counts_each_picture_once_and_known_ones_not_at_all(gemini: Reader) -> None:
    read(gemini, "known")
    old = [read(gemini, "a", "known", prompt="0"), read(gemini, "a", "b", prompt="0")]
    estimate = estimate_price([row.pk for row in old], Manner(outdated=True))
    assert (estimate.posts, estimate.slides, estimate.asked) == (2, 4, 2)
    assert estimate.requests == 1
    assert estimate.cost_usd > 0
    assert not estimate.measured
    forced = estimate_price([row.pk for row in old], Manner(force=True))
    assert forced.asked == 4
    assert forced.cost_usd == 2 * estimate.cost_usd
    nothing = estimate_price([row.pk for row in old], Manner())
    assert (nothing.slides, nothing.cost_usd) == (0, Decimal(0))


def test_what_a_person_wrote_is_not_counted(gemini: Reader) -> None:
    old = read(gemini, "a", "b", prompt="0")
    old.slides.filter(position=0).update(source=Source.HUMAN)
    assert estimate_price([old.pk], Manner(force=True)).slides == 1


def test_the_estimate_believes_what_the_model_used_here(gemini: Reader, settings: Any) -> None:
    old = read(gemini, "a", prompt="0")
    ModelCall.objects.create(
        day="2026-01-01",
        model=gemini.model,
        posts=10,
        images=100,
        reserved_usd=1,
        input_tokens=60_000,
        output_tokens=5_000,
        cost_usd=1,
    )
    estimate = estimate_price([old.pk], Manner(outdated=True))
    assert (estimate.input_tokens, estimate.output_tokens, estimate.measured) == (600, 50, True)
    assert estimate.cost_usd == (600 * Decimal("0.25") + 50 * Decimal("1.5")) / 1_000_000
    settings.OCR_MODE = "batch"
    batch = estimate_price([old.pk], Manner(outdated=True))
    assert batch.cost_usd == (600 * Decimal("0.13") + 50 * Decimal("0.75")) / 1_000_000
    hurried = estimate_price([old.pk], Manner(outdated=True), priority=Priority.PERSON)
    assert (batch.mode, hurried.mode) == ("batch", "direct")


def test_the_estimate_comes_near_the_real_price(
    gemini_box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr.services.rereading.ENOUGH", 5)
    readings = [stored(post) for post in photo_posts(gemini_box, 4)]
    services.read(Reading.objects.claim(2))
    spent = services.spending().committed
    estimate = estimate_price([reading.pk for reading in readings[2:]], Manner())
    services.read(Reading.objects.claim(2))
    real = services.spending().committed - spent
    assert estimate.measured
    assert abs(estimate.cost_usd - real) < real / 4


def test_an_estimate_says_so_where_nobody_has_to_be_asked(gemini: Reader) -> None:
    reading = read(gemini, "a", "b")
    nothing = estimate_price([reading.pk], Manner())
    assert nothing.describe() == "1 posts, in which no slide has to be read."
    told = run_command("run_ocr", "--engine", "gemini", "--estimate").out
    assert "--force reads again" in told
    copies = replace(nothing, slides=2, asked=0).describe()
    assert copies.endswith("2 slides (2 are copies of known pictures): nobody has to be asked.")


def test_only_doubtful_slides_are_read_again(gemini: Reader) -> None:
    reading = read(gemini, "a", "b")
    reading.slides.filter(position=1).update(confidence=0.2)
    rerun([reading.pk], Manner(below_confidence=0.5))
    assert list(reading.slides.order_by("position").values_list("reader", flat=True)) == [
        gemini.pk,
        None,
    ]
    assert Reading.objects.get().priority == Priority.BACKLOG
    read_again([reading.pk])
    assert Reading.objects.get().priority == Priority.PERSON
    rerun([reading.pk], Manner())
    assert Reading.objects.get().priority == Priority.PERSON


def test_the_command_says_the_price_and_does_nothing(gemini: Reader) -> None:
    old = read(gemini, "a", "b", prompt="0")
    answered = run_command("run_ocr", "--older-prompt", "--estimate", "--json")
    assert answered.document["chosen"] == 1
    assert answered.document["estimate"]["slidesAsked"] == 2
    assert answered.document["estimate"]["costUsd"] > 0
    assert Reading.objects.get(pk=old.pk).status == Status.COMPLETED
    assert "There is no category" in run_command("run_ocr", "--category", "Nope").failure
    assert "--estimate" in run_command("run_ocr", "--estimate").failure


def test_the_command_reads_again_what_a_condition_finds(gemini: Reader, empty_redis: None) -> None:
    old, new = read(gemini, "a", prompt="0"), read(gemini, "b")
    answered = run_command("run_ocr", "--older-prompt", "--json")
    assert answered.document["requested"] == 1
    assert Reading.objects.get(pk=old.pk).status == Status.PENDING
    assert Reading.objects.get(pk=new.pk).status == Status.COMPLETED


def test_the_admin_shows_the_price_before_it_reads_again(
    admin_client: Client, gemini: Reader
) -> None:
    old = read(gemini, "a", "b", prompt="0")
    page = admin_client.get("/admin/ocr/reading/?prompt=older").content.decode()
    assert str(old.pk) in page
    action = {"action": "estimate_selected", "_selected_action": [str(old.pk)]}
    shown = admin_client.post("/admin/ocr/reading/", action).content.decode()
    assert "2 slides" in shown
    assert "$0.00" in shown
    assert Reading.objects.get().status == Status.COMPLETED
    done = admin_client.post("/admin/ocr/reading/", {**action, "manner": "outdated"}, follow=True)
    assert "1 readings" in done.content.decode()
    assert (Reading.objects.get().status, Reading.objects.get().read_all) == ("pending", True)


def test_a_rerun_with_a_newer_prompt_ends(gemini_box: Any) -> None:
    reading = stored(photo_posts(gemini_box, 1)[0])
    drain(FLOW)
    older, _ = Reader.objects.get_or_create(engine="gemini", model="m", prompt_version="0")
    SlideReading.objects.update(reader=older)
    Reading.objects.update(prompt_version="0")
    rerun([row.pk for row in Choice(older_prompt=True).readings()], Manner(outdated=True))
    drain(FLOW)
    after = Reading.objects.get(pk=reading.pk)
    assert (after.status, after.prompt_version) == ("completed", current_engine().prompt_version)
    assert not Choice(older_prompt=True).readings().exists()

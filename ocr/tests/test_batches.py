"""Batch jobs: half the price, paid once, and whatever they do not bring is read directly."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from carousel.lib.drain import drain
from carousel.lib.work import Priority, Status
from carousel.sandbox.posts import Post
from ocr import services
from ocr.gemini import batches as edge
from ocr.gemini import jobs
from ocr.models import BatchJob, ModelCall, PictureClaim, PostCategory, Reading
from ocr.services import BATCHES, FLOW, read_again, release, return_orphans, spending
from ocr.services.engines import gemini_batches
from ocr.tests.carousels import photo_posts, said, stored, truth

pytestmark = pytest.mark.django_db(transaction=True)

CREATE = "POST /gemini/v1beta/models/*:batchGenerateContent"
GENERATE = "POST /gemini/v1beta/models/*:generateContent"
MODELS = "/gemini/v1beta/models/"


@pytest.fixture
def box(gemini_box: Any, settings: Any) -> Any:
    settings.OCR_MODE = "batch"
    settings.OCR_BATCH_GATHER_MINUTES = 0
    return gemini_box


@pytest.fixture
def posts(box: Any) -> list[Post]:
    return photo_posts(box, 3)


def due_now() -> None:
    for model in (Reading, BatchJob):
        model.objects.filter(status=Status.PENDING).update(run_after=Now() - timedelta(seconds=1))


def turn(times: int = 1) -> None:
    """Everybody works, then time passes."""
    for _ in range(times):
        due_now()
        drain(FLOW)
        drain(BATCHES)


def count(box: Any, endpoint: str) -> int:
    found: int = box.application.stats.count(endpoint)
    return found


def states(readings: list[Reading]) -> set[str]:
    return set(
        Reading.objects.filter(pk__in=[r.pk for r in readings]).values_list("status", flat=True)
    )


def test_many_posts_are_one_job_at_half_the_price(box: Any, posts: list[Post]) -> None:
    readings = [stored(post) for post in posts]
    drain(FLOW)
    assert states(readings) == {"blocked"}
    assert release() == 0
    turn(4)
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert (count(box, CREATE), count(box, GENERATE)) == (1, 0)
    job = BatchJob.objects.get()
    assert (job.status, job.posts, job.told) == (Status.COMPLETED, 3, "SUCCEEDED")
    call = ModelCall.objects.get()
    assert (call.mode, call.posts, call.job) == ("batch", 3, job)
    assert call.input_tokens is not None
    assert call.output_tokens is not None
    paid = Decimal(call.input_tokens) * Decimal("0.13") + call.output_tokens * Decimal("0.75")
    assert call.cost_usd == paid / 1_000_000 == spending().committed
    of_posts = Reading.objects.values_list("cost_usd", flat=True)
    assert sum((cost or Decimal(0) for cost in of_posts), Decimal(0)) == call.cost_usd
    reading = Reading.objects.get(pk=readings[0].pk)
    assert reading.category is not None
    assert (reading.batch, reading.attempts, reading.model_version) == (job, 0, call.model)
    assert not PictureClaim.objects.exists()


def test_a_job_too_large_for_a_call_goes_through_a_file(
    box: Any, posts: list[Post], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("ocr.gemini.jobs.INLINE_BYTES", 50_000)
    settings.OCR_POSTS_PER_REQUEST = 1
    readings = [stored(post) for post in posts]
    turn(4)
    assert count(box, "POST /gemini/upload/v1beta/files") >= 2
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert count(box, GENERATE) == 0


def test_what_a_person_waits_for_is_read_directly(box: Any, posts: list[Post]) -> None:
    reading = stored(posts[0], priority=Priority.PERSON)
    drain(FLOW)
    assert said(reading) == truth(posts[0], box)
    assert (count(box, CREATE), count(box, GENERATE)) == (0, 1)


def test_a_job_gathers_until_it_is_full(box: Any, posts: list[Post], settings: Any) -> None:
    settings.OCR_BATCH_GATHER_MINUTES, settings.OCR_BATCH_POSTS = 60, 2
    for post in posts:
        stored(post)
    drain(FLOW)
    jobs = BatchJob.objects.order_by("created_at")
    assert [job.posts for job in jobs] == [2, 1]
    assert BatchJob.objects.due().get() == jobs[0]


def test_a_picture_in_a_job_is_waited_for_by_others(box: Any, posts: list[Post]) -> None:
    first = stored(posts[0])
    drain(FLOW)
    assets = first.slides.order_by("position").values_list("asset", flat=True)
    same = services.request_reading(list(assets), priority=Priority.PERSON)
    drain(FLOW)
    assert states([same]) == {"pending"}
    turn(4)
    assert said(same) == truth(posts[0], box)
    assert (count(box, CREATE), count(box, GENERATE)) == (1, 0)


@pytest.mark.parametrize("fault", ["batch_expired", "batch_failed"])
def test_a_job_without_an_answer_costs_nothing_and_its_posts_are_read_directly(
    box: Any, posts: list[Post], fault: str
) -> None:
    box.faults.add(MODELS, fault, times=1)
    readings = [stored(post) for post in posts]
    turn(5)
    job = BatchJob.objects.get()
    assert (job.status, job.error_code) == (Status.FAILED, fault)
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert count(box, CREATE) == 1
    direct = ModelCall.objects.filter(mode="direct")
    assert ModelCall.objects.get(mode="batch").cost_usd == 0
    assert sum((call.cost_usd or 0) for call in direct) == spending().committed > 0


def test_of_a_partly_failed_job_only_the_rest_is_asked_for_directly(
    box: Any, posts: list[Post], settings: Any
) -> None:
    settings.OCR_POSTS_PER_REQUEST = 1
    box.faults.add(MODELS, "batch_partial", times=1)
    readings = [stored(post) for post in posts]
    turn(3)
    assert sorted(
        said(reading) == truth(post, box) for reading, post in zip(readings, posts, strict=True)
    ) == [
        False,
        True,
        True,
    ]
    turn(2)
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert (count(box, CREATE), count(box, GENERATE)) == (1, 1)


def test_answers_without_metadata_are_matched_by_their_order(
    box: Any, posts: list[Post], settings: Any
) -> None:
    settings.OCR_POSTS_PER_REQUEST = 1
    box.faults.add(MODELS, "batch_no_metadata", times=1)
    readings = [stored(post) for post in posts]
    turn(4)
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert count(box, GENERATE) == 0


def test_a_job_that_hangs_is_given_up_after_its_hours(box: Any, posts: list[Post]) -> None:
    box.faults.add(MODELS, "batch_stuck", times=1)
    reading = stored(posts[0])
    turn(3)
    job = BatchJob.objects.get()
    assert (job.status, job.told, job.attempts) == (Status.PENDING, "PENDING", 0)
    BatchJob.objects.update(submitted_at=Now() - timedelta(hours=25))
    turn(3)
    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "batch_too_late")
    assert count(box, "POST /gemini/v1beta/batches/*:cancel") == 1
    assert said(reading) == truth(posts[0], box)


def test_a_slide_that_was_left_out_is_asked_for_directly(box: Any, posts: list[Post]) -> None:
    reading = stored(photo_posts(box, 1, "fault.gemini_missing_label.x1")[0])
    turn(5)
    assert None not in said(reading)
    assert (count(box, CREATE), count(box, GENERATE)) == (1, 1)


def test_a_job_whose_answer_to_create_was_lost_is_found_and_not_made_again(
    box: Any, posts: list[Post]
) -> None:
    reading = stored(posts[0])
    box.faults.add(MODELS, "truncated", times=1)
    drain(FLOW)
    drain(BATCHES)
    box.faults.clear()
    job = BatchJob.objects.get()
    assert (job.name, job.asked_at is not None, job.status) == ("", True, Status.PENDING)
    turn(4)
    BatchJob.objects.update(asked_at=Now() - timedelta(minutes=3))
    turn(4)
    job.refresh_from_db()
    assert (job.status, said(reading)) == (Status.COMPLETED, truth(posts[0], box))
    assert count(box, CREATE) == 1


def test_the_job_is_found_on_any_page_of_the_list(box: Any) -> None:
    made = [{"displayName": f"n{number}"} for number in range(230)]
    for each in made:
        box.application.gemini.batches.create("gemini-3.1-flash-lite", {"batch": each}, {})
    batches = gemini_batches()
    assert batches.find("n229") == "batches/b230"
    assert batches.find("n0") == "batches/b1"
    assert batches.find("another") is None


def test_a_job_that_does_not_fit_into_the_budget_takes_what_fits(
    box: Any, posts: list[Post], settings: Any
) -> None:
    settings.OCR_DAILY_BUDGET_USD = Decimal("0.009")
    readings = [stored(post) for post in posts]
    turn(4)
    read = [reading for reading in readings if None not in said(reading)]
    assert 0 < len(read) < 3
    assert spending().committed <= settings.OCR_DAILY_BUDGET_USD
    settings.OCR_DAILY_BUDGET_USD = None
    turn(5)
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert count(box, GENERATE) == 0


def test_what_a_job_has_no_room_for_goes_into_another_at_once(
    box: Any, posts: list[Post], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OCR_POSTS_PER_REQUEST = 1
    settings.OCR_BATCH_GATHER_MINUTES = 60
    readings = [stored(post) for post in posts]
    sizes = [
        sum(slide.asset.byte_size or 0 for slide in reading.slides.select_related("asset"))
        for reading in readings
    ]
    monkeypatch.setattr(jobs, "FILE_BYTES", 4 * max(sizes) // 3 + 30_000)  # room for one of them
    turn(8)
    assert BatchJob.objects.filter(status=Status.COMPLETED).count() == 3
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert (count(box, CREATE), count(box, GENERATE)) == (3, 0)


def test_what_a_person_wrote_while_the_job_was_under_way_stays(box: Any, posts: list[Post]) -> None:
    reading = stored(posts[0])
    mine = PostCategory.objects.create(name="Mine")
    drain(FLOW)
    due_now()
    drain(BATCHES)
    assert BatchJob.objects.get().name
    services.correct_slide(reading, 0, text="my words")
    services.correct_slide(reading, 1, slide_type="unknown")
    services.set_category(reading, mine)
    turn(4)
    assert said(reading) == ["my words", *truth(posts[0], box)[1:]]
    first, second, third = reading.slides.order_by("position")[:3]
    assert [first.source, second.source, third.source] == ["human", "human", "ai"]
    assert second.slide_type == "unknown"
    reading.refresh_from_db()
    assert (reading.status, reading.category) == (Status.COMPLETED, mine)


def test_a_job_that_may_not_be_created_yet_is_created_later_and_once(
    box: Any, posts: list[Post]
) -> None:
    readings = [stored(post) for post in posts]
    box.faults.add(MODELS, "http_429_after", times=1)
    turn(1)
    (job,) = BatchJob.objects.all()
    assert (job.status, job.name, job.attempts) == (Status.PENDING, "", 0)
    BatchJob.objects.update(asked_at=Now() - timedelta(minutes=3))
    turn(5)
    assert [said(reading) for reading in readings] == [truth(post, box) for post in posts]
    assert (BatchJob.objects.count(), count(box, CREATE), count(box, GENERATE)) == (1, 2, 0)


def test_a_cleared_job_keeps_its_posts_until_it_is_retried(box: Any, posts: list[Post]) -> None:
    reading = stored(posts[0])
    drain(FLOW)
    BatchJob.objects.all().clear()
    assert return_orphans() == 0
    BatchJob.objects.all().requeue()
    turn(4)
    assert said(reading) == truth(posts[0], box)


def test_posts_of_a_job_that_failed_for_a_bug_go_on_without_it(box: Any, posts: list[Post]) -> None:
    reading = stored(posts[0])
    drain(FLOW)
    BatchJob.objects.update(status=Status.FAILED, error_code="bug")
    assert return_orphans() == 1
    drain(FLOW)
    assert said(reading) == truth(posts[0], box)
    assert count(box, GENERATE) == 1


def test_reading_again_by_force_starts_outside_of_the_old_job(box: Any, posts: list[Post]) -> None:
    reading = stored(posts[0])
    turn(4)
    read_again([reading.pk], force=True)
    drain(FLOW)
    assert states([reading]) == {"completed"}
    assert count(box, GENERATE) == 1


def test_the_limits_stay_below_those_of_the_service() -> None:
    assert edge.INLINE_BYTES + 18_000_000 // 10 < 20 * 1024**2
    assert edge.FILE_BYTES < 2 * 1024**3

"""A worker that dies at the worst moment, and two ways to say the same thing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db.models.functions import Now

from carousel.lib.drain import drain
from carousel.lib.work import Status
from ocr.models import BatchJob, PostCategory, Reading
from ocr.services import BATCHES, FLOW
from ocr.tests.carousels import photo_posts, said, stored, truth

pytestmark = pytest.mark.django_db(transaction=True)

WORK = """
import django
django.setup()
from carousel.lib.drain import drain
from ocr.services import BATCHES
drain(BATCHES)
"""


@pytest.fixture
def box(gemini_box: Any, settings: Any) -> Any:
    settings.OCR_MODE = "batch"
    settings.OCR_BATCH_GATHER_MINUTES = 0
    return gemini_box


def jobs_of(box: Any) -> dict[str, Any]:
    """All jobs that the stand-in has, whoever knows of them."""
    found: dict[str, Any] = box.application.gemini.batches._batches
    return found


def work_through() -> None:
    for _ in range(4):
        rows = BatchJob.objects.filter(status=Status.PENDING)
        rows.update(run_after=Now() - timedelta(seconds=1))
        drain(BATCHES)


def test_a_worker_killed_between_creating_a_job_and_noting_its_name_costs_no_second_one(
    box: Any, process_env: dict[str, str], eventually: Callable[..., None]
) -> None:
    post = photo_posts(box, 1)[0]
    reading = stored(post)
    drain(FLOW)
    box.faults.add("/gemini/v1beta/models/", "slow", times=1, seconds=60)
    env = process_env | {
        "OCR_ENGINE": "gemini",
        "OCR_MODE": "batch",
        "GEMINI_API_KEY": "k",
        "GEMINI_BASE_URL": box.gemini_url,
        "MEDIA_ROOT": str(django_settings.MEDIA_ROOT),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", WORK], cwd=django_settings.BASE_DIR, env=env, start_new_session=True
    )
    try:
        eventually(lambda: len(jobs_of(box)) == 1, seconds=60)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    job = BatchJob.objects.get()
    assert (job.status, job.name) == (Status.RUNNING, "")
    assert job.asked_at is not None
    # Its lease runs out, and the time in which a new job may be missing from the list passes.
    BatchJob.objects.update(
        run_after=Now() - timedelta(seconds=1), asked_at=Now() - timedelta(minutes=6)
    )
    work_through()
    assert said(reading) == truth(post, box)
    assert list(jobs_of(box)) == [BatchJob.objects.get().name]


def test_a_job_that_was_never_created_is_created_after_all(box: Any) -> None:
    post = photo_posts(box, 1)[0]
    reading = stored(post)
    drain(FLOW)
    plan: dict[str, Any] = {"posts": {}, "requests": []}
    BatchJob.objects.update(plan=plan, asked_at=Now() - timedelta(minutes=6))
    work_through()
    assert said(reading) == truth(post, box)
    assert len(jobs_of(box)) == 1


def test_while_a_new_job_may_be_missing_from_the_list_none_is_created(box: Any) -> None:
    stored(photo_posts(box, 1)[0])
    drain(FLOW)
    BatchJob.objects.update(plan={"posts": {}, "requests": []}, asked_at=Now())
    work_through()
    job = BatchJob.objects.get()
    assert (job.status, job.attempts, jobs_of(box)) == (Status.PENDING, 0, {})


def test_a_request_in_a_file_says_what_the_same_request_in_a_call_says(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    original: Callable[..., Any] = box.application.gemini._generate

    def note(model: str, body: Any, faults: Any) -> Any:
        seen.append(body)
        return original(model, body, faults)

    monkeypatch.setattr(box.application.gemini, "_generate", note)
    for number, post in enumerate(photo_posts(box, 2)):
        monkeypatch.setattr("ocr.gemini.jobs.INLINE_BYTES", 1 if number else 10**7)
        stored(post)
        drain(FLOW)
        work_through()
        PostCategory.objects.all().delete()
    inline, filed = seen
    assert inline.keys() - {"model"} == filed.keys()
    assert inline["generationConfig"].keys() == filed["generationConfig"].keys()
    assert inline["systemInstruction"] == filed["systemInstruction"]
    assert inline["safetySettings"] == filed["safetySettings"]
    assert {row.status for row in Reading.objects.all()} == {Status.COMPLETED}

"""Batch jobs: which readings go into one, and how they come out again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from carousel.lib.drain import wake
from carousel.lib.ids import uuid7
from carousel.lib.work import Priority, Status
from ocr.models import BatchJob, Reader, Reading
from ocr.services.hand import Hand
from ocr.services.reuse import release_claims

IN_BATCH = "in_batch"
ENDED = (Status.COMPLETED, Status.FAILED)


def may_join(reading: Reading) -> bool:
    """Whether a reading may wait for a batch job: nobody waits for it, and none has failed it."""
    batches = settings.OCR_MODE == "batch" and settings.OCR_ENGINE == "gemini"
    return batches and reading.priority != Priority.PERSON and not reading.direct


def job_lease() -> timedelta:
    """For how long the pictures of a job are nobody else's, at most."""
    return timedelta(hours=settings.OCR_BATCH_HOURS + 2)


def join(hands: Sequence[Hand], reader: Reader) -> None:
    """Put these readings into the job that is gathering, or into a new one; ends their rows."""
    if not hands:
        return
    with transaction.atomic():
        job = _gathering(reader)
        joined = 0
        for hand in hands:
            joined += hand.reading.block(
                "It waits for a batch job.", IN_BATCH, batch=job, attempts=F("attempts") - 1
            )
        full = job.posts + joined >= settings.OCR_BATCH_POSTS
        started = {"run_after": Now()} if full else {}
        BatchJob.objects.filter(pk=job.pk).update(posts=job.posts + joined, **started)
        if full:
            wake(BatchJob, [job.pk])


def leave(job: BatchJob, ids: Iterable[UUID] | None = None, *, direct: bool) -> int:
    """Let readings of a job go on without it: all that still wait in it, or these.

    ``direct``: they are not to wait for another job. Returns how many.
    """
    waiting = Reading.objects.filter(batch=job, status=Status.BLOCKED)
    if ids is not None:
        waiting = waiting.filter(pk__in=list(ids))
    return _leave(waiting.values_list("pk", flat=True), direct=direct)


def pass_on(job: BatchJob, ids: Sequence[UUID]) -> None:
    """Put readings of a job that has no room for them into another, which is sent at once: they
    have waited for a job already."""
    if not ids:
        return
    with transaction.atomic():
        after = _new(job.reader, Now())
        waiting = Reading.objects.filter(batch=job, status=Status.BLOCKED, pk__in=ids)
        BatchJob.objects.filter(pk=after.pk).update(posts=waiting.update(batch=after))
        wake(BatchJob, [after.pk])


def return_orphans() -> int:
    """Let readings go on whose job has ended without them. Returns how many.

    Those of a job that a person has cleared from the queue wait until it is retried.
    """
    lost = Q(batch__status__in=ENDED) & ~Q(batch__error_code="cleared")
    orphans = Reading.objects.filter(lost, status=Status.BLOCKED, batch__isnull=False)
    return _leave(orphans.values_list("pk", flat=True), direct=True)


def take_back(job: BatchJob, key: str) -> Reading | None:
    """Own a reading that waits in this job, so that its ending can be written; None if it has
    left. Inside a transaction that writes the ending: a row that is ours for a while and then
    forgotten would be read and paid for again."""
    mine = Reading.objects.filter(pk=key, batch=job, status=Status.BLOCKED)
    taken = mine.update(status=Status.RUNNING, run_after=Now() + Reading.LEASE, started_at=Now())
    return Reading.objects.get(pk=key) if taken else None


def _leave(ids: Iterable[UUID], *, direct: bool) -> int:
    with transaction.atomic():
        chosen = list(ids)
        waiting = Reading.objects.filter(pk__in=chosen, status=Status.BLOCKED, batch__isnull=False)
        left = waiting.update(
            status=Status.PENDING,
            run_after=Now(),
            batch=None,
            direct=direct,
            error="",
            error_code="",
        )
        release_claims(chosen)
        wake(Reading, chosen)
    return left


def _gathering(reader: Reader) -> BatchJob:
    """The job that readings may join now, locked; made if there is none."""
    open_ = BatchJob.objects.filter(
        status=Status.PENDING,
        plan__isnull=True,
        reader=reader,
        asked_at=None,
        posts__lt=settings.OCR_BATCH_POSTS,
    )
    job = open_.select_for_update(no_key=True, of=("self",)).order_by("created_at").first()
    if job is not None:
        return job
    return _new(reader, Now() + timedelta(minutes=settings.OCR_BATCH_GATHER_MINUTES))


def _new(reader: Reader, due: CombinedExpression | Now) -> BatchJob:
    pk = uuid7()
    # The name that it can be found by is in the database before anything else is done.
    name = f"carousel-{settings.INSTALLATION}-{pk}"
    return BatchJob.objects.create(
        pk=pk,
        reader=reader,
        display_name=name,
        run_after=due,
        priority=Priority.SCHEDULE,
    )

"""The step of a batch job: send it once, look at it until it is done, write what it brought."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from carousel.lib.drain import Flow
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.work import Status
from media_cache.storage import scratch_folder
from ocr.engine import PostResult, ReadError, RequestEstimate
from ocr.gemini import GeminiBatches, jobs
from ocr.gemini.batches import JobState
from ocr.gemini.failures import RequestRejected
from ocr.gemini.sending import STOPPING
from ocr.models import BatchJob, Mode, Reading
from ocr.services.batches import job_lease, leave, pass_on, take_back
from ocr.services.engines import current_engine, gemini_batches, gemini_config, reader_of
from ocr.services.gate import SharedGate, SharedTicket, pass_switch, spending
from ocr.services.hand import Hand, take
from ocr.services.reading import announce, context
from ocr.services.reuse import release_claims, share
from ocr.services.writing import write

logger = logging.getLogger(__name__)

POLL_LEAST, POLL_MOST = 30.0, 600.0  # seconds between two looks at a job
CERTAIN_AFTER = timedelta(minutes=2)  # a job that was created is in the list by then
RENEW_EVERY = 25  # posts written


def run_batches(rows: list[BatchJob]) -> None:
    """Take each job one step further, and end its row."""
    for job in rows:
        batches = gemini_batches()
        if not job.name and not _find(job, batches):
            pass_switch()
            _submit(job, batches)
        else:
            _look(job, batches)


def _find(job: BatchJob, batches: GeminiBatches) -> bool:
    """Whether the job is there already, though whoever created it didn't live to note its name.

    Raises NotNow while that can't be told.
    """
    if job.asked_at is None:
        return False
    name = batches.find(job.display_name)
    if name is None:
        if datetime.now(UTC) - job.asked_at < CERTAIN_AFTER:
            raise NotNow("Whether the job was created will be known in a moment.", wait=60)
        return False
    logger.warning("Found batch job %s by its display name", name)
    job.name, job.submitted_at = name, job.asked_at
    _keep(job, name=name, submitted_at=job.asked_at)
    return True


def _submit(job: BatchJob, batches: GeminiBatches) -> None:
    hands = _affordable(job, _gathered(job))
    if not hands:
        _settle(job, "empty", may_cost=False)
        job.finish(told="EMPTY")
        return
    path = scratch_folder() / f"{job.pk}.jsonl"
    try:
        posts = [hand.request() for hand in hands]
        composed = jobs.compose(posts, context(), gemini_config(), batches, path)
        inside = len(composed.plan["posts"])
        left = [UUID(key) for key in composed.left]
        if not inside:
            # What could not be prepared is read directly, which says what is wrong with it.
            leave(job, left, direct=True)
            _settle(job, "empty", may_cost=False)
            job.finish(told="EMPTY")
            return
        pass_on(job, left)
        _keep(job, plan=composed.plan, posts=inside, images=composed.images, asked_at=Now())
        name = batches.create(composed.requests, composed.instruction, job.display_name)
    except (RequestRejected, UpstreamError) as error:
        _refused(job, error)
        return
    finally:
        path.unlink(missing_ok=True)
    _keep(job, name=name, submitted_at=Now())
    job.postpone(POLL_LEAST, "It was sent.", told="PENDING")


def _gathered(job: BatchJob) -> list[Hand]:
    """What the job has to ask; readings that need not ask any more are ended."""
    rows = Reading.objects.filter(batch=job, status=Status.BLOCKED).order_by("created_at", "pk")
    if reader_of(current_engine()).pk != job.reader_id:  # other settings since
        leave(job, direct=False)
        return []
    hands = take(list(rows), job.reader)
    share(hands, job.reader, lease=job_lease())
    for hand in hands:
        if not hand.to_ask():
            _write(job, hand, None)
    return [hand for hand in hands if hand.to_ask()]


def _affordable(job: BatchJob, hands: list[Hand]) -> list[Hand]:
    """As many of them as the day's budget allows, reserved; the others wait for another job.

    Raises NotNow if it does not even allow the first.
    """
    if not hands or job.call_id is not None:
        return hands
    each = jobs.most([hand.request() for hand in hands], context(), gemini_config())
    now = spending()
    number = len(hands)
    if now.budget is not None:
        left, number = now.budget - now.committed, 0
        for estimate in each:
            left -= estimate.ceiling_usd
            if left < 0:
                break
            number += 1
    chosen = each[: max(1, number)]
    ticket = SharedGate(Mode.BATCH).enter(_sum(chosen))
    _keep(job, call=ticket.pk)
    leave(job, [hand.reading.pk for hand in hands[len(chosen) :]], direct=False)
    return hands[: len(chosen)]


def _sum(estimates: Sequence[RequestEstimate]) -> RequestEstimate:
    return RequestEstimate(
        model=estimates[0].model,
        posts=len(estimates),
        images=sum(one.images for one in estimates),
        input_tokens=sum(one.input_tokens for one in estimates),
        output_tokens=sum(one.output_tokens for one in estimates),
        cost_usd=sum((one.cost_usd for one in estimates), Decimal(0)),
        ceiling_usd=sum((one.ceiling_usd for one in estimates), Decimal(0)),
    )


def _refused(job: BatchJob, error: RequestRejected | UpstreamError) -> None:
    """The job could not be created, or nobody can tell."""
    if isinstance(error, UpstreamError) and error.code in STOPPING:
        raise SharedGate(Mode.BATCH).close(error)
    if isinstance(error, UpstreamError) and error.retryable and job.attempts < job.MAX_ATTEMPTS:
        raise error
    _give_up(job, f"The batch job was refused: {error}", "batch_refused", may_cost=True)


def _look(job: BatchJob, batches: GeminiBatches) -> None:
    try:
        told = batches.state(job.name)
    except UpstreamError as error:
        if error.code != "batch_gone":
            raise
        _give_up(job, str(error), error.code, may_cost=True)
        return
    age = datetime.now(UTC) - (job.submitted_at or job.created_at)
    if told.done:
        _collect(job, batches, told)
    elif age > timedelta(hours=settings.OCR_BATCH_HOURS):
        with suppress(NotNow, RequestRejected, UpstreamError):
            batches.cancel(job.name)
        why = f"It was not done after {settings.OCR_BATCH_HOURS} hours (OCR_BATCH_HOURS)."
        _give_up(job, why, "batch_too_late", may_cost=True, told=told.state)
    else:
        wait = min(POLL_MOST, max(POLL_LEAST, age.total_seconds() / 20))
        job.postpone(wait, f"{told.state.lower()} at Gemini", told=told.state)


def _collect(job: BatchJob, batches: GeminiBatches, told: JobState) -> None:
    """Write what the job brought; whatever it did not bring is read directly."""
    plan = job.plan or {"posts": {}, "requests": []}
    items = batches.items(job.name, jobs.keys_of(plan))
    brought = jobs.outcome(plan, items, context(), gemini_config())
    written: list[Reading] = []
    for number, result in enumerate(brought.results, 1):
        if (row := Reading.objects.filter(pk=result.key, batch=job).first()) is not None:
            _write(job, take([row], job.reader)[0], result)
            written.append(row)
        if number % RENEW_EVERY == 0:
            job.renew()
    announce(written)
    if brought.input_tokens and job.call_id is not None:
        ticket = SharedTicket(job.call_id)
        ticket.paid(brought.input_tokens, brought.output_tokens, brought.cost_usd)
        leave(job, direct=True)
        job.finish(told=told.state)
    else:
        why = f"Gemini ended it as {told.state} without an answer."
        _give_up(job, why, f"batch_{told.state.lower()}", may_cost=False, told=told.state)


def _write(job: BatchJob, hand: Hand, result: PostResult | None) -> None:
    """End one reading of the job, if it still waits in it."""
    with transaction.atomic():
        row = take_back(job, str(hand.reading.pk))
        if row is None:
            return
        hand.reading = row
        if result is not None:
            share([hand], job.reader)
            told = {slide.label for slide in result.slides} | result.errors.keys()
            missing = ReadError("batch_unanswered", "It was not in the batch job.", retryable=True)
            others = [str(s.position) for s in hand.asks if str(s.position) not in told]
            errors = dict(result.errors) | dict.fromkeys(others, missing)
            result = replace(result, errors=errors)
        write(hand, result, job.reader)
        direct = result is not None
        Reading.objects.filter(pk=row.pk).exclude(status=Status.COMPLETED).update(direct=direct)
        release_claims([row.pk])


def _give_up(
    job: BatchJob, why: str, code: str, *, may_cost: bool, told: str | None = None
) -> None:
    _settle(job, code, may_cost=may_cost)
    number = leave(job, direct=True)
    logger.warning("Batch job %s: %s %d posts are read directly", job.display_name, why, number)
    words = f"{why} Its posts are read directly."
    job.fail(words, code=code, told=told or job.told)


def _settle(job: BatchJob, code: str, *, may_cost: bool) -> None:
    if job.call_id is not None:
        SharedTicket(job.call_id).failed(code, may_cost=may_cost)


def _keep(job: BatchJob, **fields: object) -> None:
    """Note how far the job is. Raises NotNow if another worker has taken it over."""
    if not job.renew(**fields):
        raise NotNow("Another worker has taken it over.", wait=0)
    job.refresh_from_db(fields=list(fields))


BATCHES = Flow(BatchJob, run_batches)

"""Work rows: who may claim, who may write the end, and what a dead worker leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from carousel.celery import app
from carousel.lib import drain as drains
from carousel.lib.drain import Flow, drain, send, sweep
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.work import Priority, Status
from media_cache.models import CacheAsset
from media_cache.services import MediaRequest, request_media

pytestmark = pytest.mark.django_db(transaction=True)

PAST = timedelta(seconds=1)


def rows(count: int, **fields: Any) -> list[CacheAsset]:
    return CacheAsset.objects.bulk_create(
        CacheAsset(kind="image", source_key=f"key-{number}", **fields) for number in range(count)
    )


def expire(*assets: CacheAsset) -> None:
    pks = [asset.pk for asset in assets]
    CacheAsset.objects.filter(pk__in=pks).update(run_after=Now() - PAST)


def claim_one() -> CacheAsset:
    [row] = CacheAsset.objects.claim(1)
    return row


def wait_of(asset: CacheAsset) -> float:
    """Seconds between the start of the last attempt and the next one."""
    assert asset.started_at is not None
    return (asset.run_after - asset.started_at).total_seconds()


def test_each_row_goes_to_exactly_one_of_many_claimers() -> None:
    rows(400)
    taken: list[CacheAsset] = []
    together = threading.Barrier(8)

    def claimer() -> None:
        together.wait()
        while batch := CacheAsset.objects.claim(7):
            taken.extend(batch)
        connection.close()

    threads = [threading.Thread(target=claimer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(Counter(row.pk for row in taken).values()) == {1: 400}


def test_named_rows_are_claimed_once_by_claimers_who_want_the_same() -> None:
    ids = [row.pk for row in rows(60)]
    taken: list[CacheAsset] = []
    together = threading.Barrier(6)

    def claimer() -> None:
        together.wait()
        taken.extend(CacheAsset.objects.claim(60, ids))
        connection.close()

    threads = [threading.Thread(target=claimer) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len({row.pk for row in taken}) == 60


def test_a_claim_counts_the_attempt_before_the_work_starts() -> None:
    rows(1)
    row = claim_one()
    assert (row.status, row.attempts) == (Status.RUNNING, 1)
    assert CacheAsset.objects.get().attempts == 1


def test_a_row_of_the_future_is_not_due() -> None:
    CacheAsset.objects.create(kind="image", source_key="k")
    CacheAsset.objects.update(run_after=Now() + timedelta(minutes=1))
    assert CacheAsset.objects.claim(1) == []


def test_what_a_person_waits_for_goes_before_what_the_schedule_does() -> None:
    rows(3, priority=Priority.BACKLOG)
    urgent = CacheAsset.objects.create(kind="image", source_key="p", priority=Priority.PERSON)
    assert claim_one().pk == urgent.pk


def test_a_worker_that_lost_its_lease_cannot_overwrite_its_heir() -> None:
    rows(1)
    late = claim_one()
    expire(late)
    heir = CacheAsset.objects.claim_abandoned()
    assert heir is not None
    assert late.finish(sha256="late") is False
    assert late.fail("late", code="late") is False
    assert late.renew() is False
    assert heir.finish(sha256="heir") is True
    asset = CacheAsset.objects.get()
    assert (asset.sha256, asset.status, asset.attempts) == ("heir", Status.COMPLETED, 2)


def test_renewing_keeps_the_row_and_its_checkpoint() -> None:
    rows(1)
    row = claim_one()
    before = row.run_after
    assert row.renew(sha256="half way") is True
    assert row.run_after > before
    assert row.finish() is True
    assert CacheAsset.objects.get().sha256 == "half way"


def test_our_own_limit_costs_no_attempt() -> None:
    rows(1)
    row = claim_one()
    row.postpone(60, "too fast")
    asset = CacheAsset.objects.get()
    assert (asset.status, asset.attempts, asset.error) == (Status.PENDING, 0, "too fast")
    assert CacheAsset.objects.claim(1) == []


def test_their_fault_backs_off_longer_each_time_and_then_gives_up() -> None:
    rows(1)
    waits = []
    for attempt in range(1, CacheAsset.MAX_ATTEMPTS + 1):
        row = claim_one()
        assert row.attempts == attempt
        row.fail("down", code="upstream_error", retryable=True)
        asset = CacheAsset.objects.get()
        if asset.status == Status.PENDING:
            waits.append(wait_of(asset))
        expire(asset)
    assert CacheAsset.objects.get().status == Status.FAILED
    assert [round(wait / 10) for wait in waits] == pytest.approx([1, 2, 4, 8], rel=0.4)


def test_retry_after_is_never_shortened() -> None:
    rows(1)
    row = claim_one()
    row.fail("busy", code="rate_limited", retryable=True, retry_after=500)
    asset = CacheAsset.objects.get()
    assert wait_of(asset) >= 500


def test_a_poison_row_ends_as_failed_and_takes_nothing_with_it() -> None:
    poison, *others = rows(5)
    CacheAsset.objects.claim(5)
    expire(poison, *others)
    for _ in range(CacheAsset.MAX_ATTEMPTS - 1):
        alone = CacheAsset.objects.claim_abandoned()
        assert alone is not None
        if alone.pk != poison.pk:
            alone.finish()
        else:
            expire(poison)  # it killed its worker again
    while (row := CacheAsset.objects.claim_abandoned()) is not None:
        if row.pk == poison.pk:
            expire(poison)
        else:
            row.finish()
    poison.refresh_from_db()
    assert (poison.status, poison.error_code) == (Status.FAILED, "worker_lost")
    assert CacheAsset.objects.filter(status=Status.COMPLETED).count() == 4


def test_a_killed_worker_leaves_a_row_that_another_one_finishes(
    process_env: dict[str, str],
) -> None:
    rows(1)
    code = (
        "import django; django.setup()\n"
        "from media_cache.models import CacheAsset\n"
        "import time; CacheAsset.objects.claim(1); print('claimed', flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code],
        env=process_env,
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"claimed\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    assert CacheAsset.objects.claim(1) == []
    assert CacheAsset.objects.claim_abandoned() is None  # its lease still runs
    expire(CacheAsset.objects.get())
    heir = CacheAsset.objects.claim_abandoned()
    assert heir is not None
    assert heir.finish() is True


def test_rows_of_workers_known_to_be_dead_are_given_back() -> None:
    rows(2)
    old = claim_one()
    assert old.started_at is not None
    boundary = old.started_at + timedelta(microseconds=1)
    new = claim_one()
    assert CacheAsset.objects.all().give_back(started_before=boundary) == 1
    heir = CacheAsset.objects.claim_abandoned()
    assert heir is not None
    assert heir.pk == old.pk
    assert CacheAsset.objects.claim_abandoned() is None
    assert new.finish() is True


def finish_all(batch: list[CacheAsset]) -> None:
    for row in batch:
        row.finish()


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_drain_works_until_nothing_is_due(lanes: int) -> None:
    rows(40)
    announced: list[CacheAsset] = []
    flow = Flow(CacheAsset, finish_all, bundle=3, lanes=lanes, announce=announced.extend)
    assert drain(flow) == 40
    assert len(announced) == 40
    assert not CacheAsset.objects.exclude(status=Status.COMPLETED).exists()


def test_lanes_work_side_by_side_and_leave_no_connection_behind(
    eventually: Callable[..., None],
) -> None:
    rows(8)
    together = threading.Barrier(8, timeout=10)

    def meet(batch: list[CacheAsset]) -> None:
        together.wait()
        finish_all(batch)

    def others() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return int(cursor.fetchone()[0])

    drain(Flow(CacheAsset, meet, lanes=8))
    eventually(lambda: others() == 0)


@pytest.mark.parametrize(
    ("raised", "status", "code", "attempts"),
    [
        (NotNow("quota", wait=30), Status.PENDING, "", 0),
        (UpstreamError("no", code="no", retryable=False), Status.FAILED, "no", 1),
        (UpstreamError("later", code="later", retryable=True), Status.PENDING, "later", 1),
    ],
)
def test_what_a_step_raises_becomes_the_ending_of_its_rows(
    raised: Exception, status: str, code: str, attempts: int
) -> None:
    rows(2)

    def step(batch: list[CacheAsset]) -> None:
        raise raised

    drain(Flow(CacheAsset, step, bundle=2))
    ends = set(CacheAsset.objects.values_list("status", "error_code", "attempts"))
    assert ends == {(status, code, attempts)}


def test_a_bug_fails_its_row_is_raised_and_lets_the_others_finish() -> None:
    bad, *_ = rows(6)

    def step(batch: list[CacheAsset]) -> None:
        if batch[0].pk == bad.pk:
            raise ZeroDivisionError("a bug of ours")
        time.sleep(0.05)
        finish_all(batch)

    with pytest.raises(ZeroDivisionError):
        drain(Flow(CacheAsset, step, lanes=6))
    bad.refresh_from_db()
    assert (bad.status, bad.error_code) == (Status.FAILED, "bug")
    assert CacheAsset.objects.filter(status=Status.COMPLETED).count() == 5


def test_out_of_time_is_no_bug_even_wrapped_in_an_error_of_a_librarys_own() -> None:
    rows(2)

    def step(batch: list[CacheAsset]) -> None:
        try:
            raise SoftTimeLimitExceeded
        except SoftTimeLimitExceeded as exc:
            raise RuntimeError("inference failed") from exc

    with pytest.raises(RuntimeError):
        drain(Flow(CacheAsset, step, bundle=2))
    ends = set(CacheAsset.objects.values_list("status", "error_code", "attempts"))
    assert ends == {(Status.PENDING, "time_limit", 1)}


def test_an_abandoned_row_is_retried_with_nothing_else_in_hand() -> None:
    first, *_ = rows(9)
    CacheAsset.objects.claim(1, [first.pk])
    expire(first)
    in_hand: set[object] = set()
    seen_with: dict[object, int] = {}

    def step(batch: list[CacheAsset]) -> None:
        in_hand.add(batch[0].pk)
        seen_with[batch[0].pk] = len(in_hand)
        time.sleep(0.02)
        batch[0].finish()
        in_hand.discard(batch[0].pk)

    drain(Flow(CacheAsset, step, lanes=4))
    assert seen_with[first.pk] == 1
    assert max(seen_with.values()) > 1


def test_fifty_thousand_rows_need_no_sweep(empty_redis: None) -> None:
    link = ("https://p16.tiktokcdn.com/a",)
    with transaction.atomic():
        request_media([MediaRequest("image", f"many-{n}", link) for n in range(50_000)])
    assert CacheAsset.objects.due().count() == 50_000
    assert 0 < queue_length() <= drains.MESSAGES_AT_ONCE

    def complete(batch: list[CacheAsset]) -> None:
        CacheAsset.objects.filter(pk__in=[row.pk for row in batch]).update(status=Status.COMPLETED)

    # One message is enough: whoever is awake goes on until nothing is left.
    assert drain(Flow(CacheAsset, complete, bundle=500), seconds=60) == 50_000


def test_a_drain_whose_time_is_up_sends_for_its_own_continuation(empty_redis: None) -> None:
    rows(3)
    drain(Flow(CacheAsset, finish_all), seconds=0)
    assert CacheAsset.objects.due().count() == 3
    assert queue_length() == 1


@pytest.mark.parametrize(("named", "messages"), [(4, 0), (9, 1)])
def test_whoever_is_named_more_than_it_can_take_wakes_the_next(
    empty_redis: None, named: int, messages: int
) -> None:
    ids = [str(row.pk) for row in rows(9)]
    assert drain(Flow(CacheAsset, finish_all, lanes=4), ids[:named]) == 9
    assert queue_length() == messages


def test_the_sweep_is_silent_when_nothing_is_due_and_brief_when_much_is(empty_redis: None) -> None:
    assert sweep(CacheAsset) == 0
    rows(1000)
    assert 0 < sweep(CacheAsset) <= drains.MESSAGES_AT_ONCE
    assert queue_length() <= drains.MESSAGES_AT_ONCE


def test_a_message_for_a_row_that_is_done_is_harmless() -> None:
    [row] = rows(1)
    assert drain(Flow(CacheAsset, finish_all), [str(row.pk)]) == 1
    assert drain(Flow(CacheAsset, finish_all), [str(row.pk)]) == 0


def test_a_broker_that_is_down_is_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        app.conf, "broker_write_url", "redis://127.0.0.1:9/0"
    )  # first: it follows the other
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:9/0")
    monkeypatch.setattr(app, "_pool", None)  # of connections
    app.__dict__.pop("amqp", None)
    started = time.monotonic()
    try:
        assert [send(CacheAsset, ["x"]) for _ in range(50)] == [False] * 50
    finally:
        monkeypatch.undo()
        app.__dict__.pop("amqp", None)
    assert time.monotonic() - started < 5
    assert "Could not reach the broker" in caplog.text


def test_clearing_and_requeueing_lose_nothing() -> None:
    rows(3)
    claim_one()
    assert CacheAsset.objects.all().clear() == 2
    assert set(CacheAsset.objects.values_list("error_code", flat=True)) == {"", "cleared"}
    assert CacheAsset.objects.filter(status=Status.FAILED).requeue() == 2
    assert CacheAsset.objects.due().count() == 2


def queue_length() -> int:
    import redis

    return int(redis.Redis.from_url(settings.REDIS_URL).llen("carousel:media-cache"))


def test_every_work_model_names_a_registered_task_and_a_queue() -> None:
    from carousel.celery import app
    from carousel.lib.queues import work_models

    app.loader.import_default_modules()
    for model in work_models():
        assert model.TASK in app.tasks
        assert model.QUEUE in settings.QUEUES
        assert model.LEASE.total_seconds() > settings.CELERY_TASK_TIME_LIMIT

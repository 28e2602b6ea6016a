"""Work in the foreground: the chosen rows and no others, to their end, whoever else is at them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from carousel.lib import foreground
from carousel.lib.drain import Flow
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.foreground import Tally, due_slices, slices, work_through
from carousel.lib.work import Status
from media_cache.models import CacheAsset

pytestmark = pytest.mark.django_db(transaction=True)

Step = Callable[[list[CacheAsset]], None]


def rows(count: int, **fields: Any) -> list[UUID]:
    made = CacheAsset.objects.bulk_create(
        CacheAsset(kind="image", source_key=f"key-{n}", **fields) for n in range(count)
    )
    return [row.pk for row in made]


def finish(batch: list[CacheAsset]) -> None:
    for row in batch:
        row.finish()


def work(ids: list[UUID], step: Step, *, lanes: int = 1, seen: list[Tally] | None = None) -> Tally:
    show = (lambda tally: None) if seen is None else seen.append
    return work_through(Flow(CacheAsset, step, lanes=lanes), slices(ids), show)


def statuses() -> list[str]:
    found = CacheAsset.objects.order_by("source_key").values_list("status", flat=True)
    return list(found)


@pytest.mark.parametrize("lanes", [1, 4])
def test_only_the_chosen_rows_are_worked_on(lanes: int) -> None:
    ids = rows(6)
    tally = work(ids[:3], finish, lanes=lanes)
    assert statuses() == ["completed"] * 3 + ["pending"] * 3
    assert tally.counts == {(Status.COMPLETED, ""): 3}


def test_who_watches_sees_how_it_goes() -> None:
    def slowly(batch: list[CacheAsset]) -> None:
        time.sleep(0.3)
        finish(batch)

    seen: list[Tally] = []
    work(rows(4), slowly, seen=seen)
    assert {tally.ended for tally in seen} >= {1, 3}
    assert len(seen[0].in_hand) == 4


def test_endings_are_told_by_code() -> None:
    def end(batch: list[CacheAsset]) -> None:
        row = batch[0]
        if row.source_key == "key-0":
            row.finish()
        elif row.source_key == "key-1":
            row.block("", "link_dead")
        else:
            raise UpstreamError("gone", code="not_found", retryable=False)

    tally = work(rows(4), end)
    assert (tally.ended, tally.codes()) == (4, {"not_found": 2})
    assert tally.describe() == "2 failed (not_found 2), 1 blocked (link_dead 1)"


def test_the_next_attempt_is_waited_for_if_it_is_near() -> None:
    tries: list[float] = []

    def step(batch: list[CacheAsset]) -> None:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise NotNow("soon", wait=1.2)
        finish(batch)

    seen: list[Tally] = []
    assert work(rows(1), step, seen=seen).ended == 1
    assert 1.2 <= tries[1] - tries[0] < 5
    assert "next attempt in 1 s" in {tally.describe() for tally in seen}


def test_what_is_far_off_is_left_to_the_workers() -> None:
    def step(batch: list[CacheAsset]) -> None:
        raise NotNow("paused", wait=3600)

    began = time.monotonic()
    tally = work(rows(2), step)
    assert time.monotonic() - began < 5
    assert (tally.ended, tally.number(Status.PENDING)) == (0, 2)


def test_waiting_has_an_end_though_every_attempt_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreground, "PATIENCE", 1.5)

    def step(batch: list[CacheAsset]) -> None:
        raise NotNow("used up", wait=0.2)

    began = time.monotonic()
    assert work(rows(1), step).number(Status.PENDING) == 1
    assert 1 < time.monotonic() - began < 10


def test_what_another_process_holds_is_waited_for_and_then_taken_over() -> None:
    ids = rows(2)
    assert len(CacheAsset.objects.claim(2, ids)) == 2
    CacheAsset.objects.filter(pk=ids[0]).update(run_after=Now() + timedelta(seconds=1))
    ended = CacheAsset.objects.filter(pk=ids[1])
    taken: list[UUID] = []

    def step(batch: list[CacheAsset]) -> None:
        taken.append(batch[0].pk)
        finish(batch)
        ended.update(status=Status.COMPLETED)  # and the other process comes to its end

    assert work(ids, step).number(Status.COMPLETED) == 2
    assert taken == [ids[0]]


def test_a_bug_fails_its_row_and_no_other() -> None:
    def step(batch: list[CacheAsset]) -> None:
        if batch[0].source_key in ("key-1", "key-2"):
            raise ValueError("a bug")
        finish(batch)

    tally = work(rows(5), step)
    assert tally.counts == {(Status.COMPLETED, ""): 3, (Status.FAILED, "bug"): 2}


def test_trouble_outside_of_a_step_is_raised() -> None:
    def announce(batch: list[CacheAsset]) -> None:
        raise RuntimeError("nobody listens")

    flow = Flow(CacheAsset, finish, announce=announce)
    with pytest.raises(RuntimeError, match="nobody listens"):
        work_through(flow, slices(rows(2)), lambda tally: None)


def test_due_rows_are_given_out_until_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreground, "CHUNK", 3)
    rows(10)
    CacheAsset.objects.filter(source_key="key-0").update(run_after=Now() + timedelta(hours=1))
    flow = Flow(CacheAsset, finish)
    tally = work_through(flow, due_slices(CacheAsset.objects.all(), 5), lambda tally: None)
    assert tally.ended == 5
    tally = work_through(flow, due_slices(CacheAsset.objects.all()), lambda tally: None)
    assert (tally.ended, statuses().count("pending")) == (4, 1)

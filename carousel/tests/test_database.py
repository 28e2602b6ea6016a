"""A database that goes away in the middle of a statement, and comes back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from carousel.lib import database
from carousel.lib.database import one_connection, persist
from carousel.lib.drain import Flow, drain, guarded
from carousel.lib.work import Status
from carousel.tests.settings import SERVERS
from media_cache.models import CacheAsset

pytestmark = pytest.mark.django_db(transaction=True)


def hang_up() -> None:
    """The server ends this connection, as a restart does with each."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(SERVERS.database_url_for("postgres"), autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def claimed(key: str = "key") -> CacheAsset:
    CacheAsset.objects.create(kind="image", source_key=key)
    [row] = CacheAsset.objects.claim(1)
    return row


def test_an_ending_is_written_on_a_new_connection() -> None:
    row = claimed()
    hang_up()
    assert row.finish(sha256="whole") is True
    assert CacheAsset.objects.get().sha256 == "whole"


def test_a_write_is_tried_again_until_it_succeeds() -> None:
    tries: list[int] = []

    def write() -> int:
        tries.append(1)
        if len(tries) < 4:
            hang_up()
        return CacheAsset.objects.count()

    assert persist(write) == 0
    assert len(tries) == 4


def test_a_server_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.2)

    def write() -> None:
        raise OperationalError("the database system is shutting down")

    with pytest.raises(OperationalError, match="shutting down"):
        persist(write)


def test_a_transaction_is_not_torn_in_two() -> None:
    @transaction.atomic
    def write_both() -> None:
        CacheAsset.objects.create(kind="image", source_key="first")
        hang_up()
        persist(lambda: CacheAsset.objects.create(kind="image", source_key="second"))

    with pytest.raises(OperationalError):
        write_both()
    assert CacheAsset.objects.count() == 0


def test_a_lock_of_the_session_is_not_forgotten() -> None:
    tries: list[int] = []

    def write() -> None:
        tries.append(1)
        CacheAsset.objects.count()

    hang_up()
    with pytest.raises(OperationalError), one_connection():
        persist(write)
    assert len(tries) == 1
    connection.close()


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_step_under_which_it_goes_away_is_no_bug_of_ours(lanes: int, settings: Any) -> None:
    for number in range(8):
        CacheAsset.objects.create(kind="image", source_key=f"key-{number}")
    gone: list[object] = []

    def step(rows: list[CacheAsset]) -> None:
        for row in rows:
            if row.source_key in ("key-2", "key-5") and row.pk not in gone:
                gone.append(row.pk)
                hang_up()
            CacheAsset.objects.filter(pk=row.pk).update(codec="seen")
            row.finish()

    assert drain(Flow(CacheAsset, step, lanes=lanes)) == 8
    waiting = CacheAsset.objects.filter(status=Status.PENDING)
    assert set(waiting.values_list("pk", "error_code", "attempts")) == {
        (pk, "database_unavailable", 1) for pk in gone
    }
    CacheAsset.objects.update(run_after=CacheAsset.objects.earliest("run_after").created_at)
    assert drain(Flow(CacheAsset, step, lanes=lanes)) == 2
    assert set(CacheAsset.objects.values_list("status", flat=True)) == {Status.COMPLETED}


def test_where_it_stays_away_the_lease_is_left_to_run_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    row = claimed()

    def step(rows: list[CacheAsset]) -> None:
        monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
        monkeypatch.setattr(database, "PATIENCE", 0.2)
        hang_up()
        CacheAsset.objects.count()

    guarded(step, [row])
    monkeypatch.undo()
    connection.close()
    assert "wait for their leases" in caplog.text
    row.refresh_from_db()
    assert (row.status, row.error_code) == (Status.RUNNING, "")

"""Beat ends when it is asked to, whatever it is in the middle of, or says why it can't start."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Model
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from carousel.tests.survival.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def queries_held_up() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else all looks of a transaction agree
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def start_ticking(installed: Installation, eventually: Any) -> subprocess.Popen[bytes]:
    beat = installed.start_beat()
    eventually(lambda: "Sending due task" in installed.tail())
    return beat


def lock(model: type[Model]) -> None:
    """Until the end of the transaction, whoever looks at this table waits."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {model._meta.db_table} IN ACCESS EXCLUSIVE MODE")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_in_the_middle_of_a_query_beat_ends_after_it(
    installed: Installation, eventually: Any, number: signal.Signals
) -> None:
    beat = start_ticking(installed, eventually)
    with transaction.atomic():
        lock(PeriodicTasks)  # where beat looks for changes
        eventually(lambda: queries_held_up() == 1)
        beat.send_signal(number)
        time.sleep(0.5)
        assert beat.poll() is None
    assert beat.wait(10) == 0
    assert "Traceback" not in installed.tail()


def test_asked_twice_beat_waits_for_no_query(installed: Installation, eventually: Any) -> None:
    beat = start_ticking(installed, eventually)
    with transaction.atomic():
        lock(PeriodicTasks)  # where beat looks for changes
        eventually(lambda: queries_held_up() == 1)
        beat.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        beat.send_signal(signal.SIGTERM)
        eventually(lambda: queries_held_up() == 0)
    assert beat.wait(10) == 0


def test_asked_while_it_is_starting_beat_ends(installed: Installation, eventually: Any) -> None:
    with transaction.atomic():
        lock(PeriodicTask)
        beat = installed.start_beat()
        eventually(lambda: queries_held_up() == 1)
        beat.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    assert beat.wait(10) == 0
    assert "Traceback" not in installed.tail()


def test_asked_while_it_sleeps_beat_ends_at_once(installed: Installation, eventually: Any) -> None:
    beat = start_ticking(installed, eventually)
    time.sleep(1.5)
    began = time.monotonic()
    beat.send_signal(signal.SIGTERM)
    assert beat.wait(10) == 0
    assert time.monotonic() - began < 3


def test_without_a_database_beat_says_so_in_one_line(installed: Installation) -> None:
    installed.extra["DATABASE_URL"] = "postgresql://app:secret@127.0.0.1:1/nothing"
    assert installed.start_beat().wait(20) == 1
    said = installed.tail()
    assert said.splitlines()[-1].startswith(
        "carousel: PostgreSQL does not answer at 127.0.0.1:1/nothing: start it, or correct"
    )
    assert "Traceback" not in said
    assert "secret" not in said

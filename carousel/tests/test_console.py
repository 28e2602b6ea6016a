"""What all commands do alike: one line on failure, clean JSON, a progress line, an orderly stop."""

from __future__ import annotations

import io
import json
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.core.management.base import CommandError, OutputWrapper
from django.db import ProgrammingError, connection

from carousel import heartbeat
from carousel.lib.command_errors import told
from carousel.lib.console import Console, ConsoleCommand
from carousel.lib.errors import NotNow, UpstreamError
from carousel.lib.progress import Progress
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.services import MediaRequest, request_media


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(**options: Any) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(OutputWrapper(out), OutputWrapper(err), {"verbosity": 1, **options}), out, err


def manage(*args: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *args]
    return subprocess.run(
        command, cwd=configured.BASE_DIR, env=env, capture_output=True, text=True, timeout=60
    )


def nobody() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_terminal_gets_one_line_that_is_redrawn_and_taken_away() -> None:
    screen = Terminal()
    with Progress(screen, "Storing", total=4) as progress:
        progress.show(0)
        time.sleep(0.11)
        progress.show(3, "1 failed")
    lines = screen.getvalue().split("\r\x1b[2K")
    assert lines[1].startswith("Storing [........................] 0/4")
    assert lines[2].startswith("Storing [##################......] 3/4")
    assert lines[2].endswith("1 failed")
    assert lines[-1] == ""
    assert "\n" not in screen.getvalue()


def test_a_log_gets_a_line_now_and_then_and_nothing_of_short_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = io.StringIO()
    progress = Progress(log, "Storing", total=4)
    progress.show(1)
    assert log.getvalue() == ""
    monkeypatch.setattr("carousel.lib.progress.LINE_EVERY", 0.0)
    progress = Progress(log, "Storing", total=4)
    progress.show(2, "note")
    assert log.getvalue() == "Storing 2/4 note\n"


def test_more_than_the_total_still_fits_the_bar() -> None:
    screen = Terminal()
    Progress(screen, "x", total=2).show(5)
    assert screen.getvalue().endswith("[########################] 5/5")


def test_json_is_alone_on_standard_output() -> None:
    told_to, out, err = console(json=True)
    told_to.say("words")
    told_to.table(["a", "b"], [[1, 2]])
    told_to.warn("careful")
    told_to.answer({"n": 1})
    assert json.loads(out.getvalue()) == {"n": 1}
    assert err.getvalue() == "Warning: careful\n"


def test_a_table_is_aligned() -> None:
    told_to, out, _ = console()
    told_to.table(["kind", "n"], [["image", 12], ["all", 1200]])
    assert out.getvalue() == "kind      n\nimage    12\nall    1200\n"


def test_a_queue_without_a_worker_is_warned_about(empty_redis: None) -> None:
    told_to, _, err = console()
    assert told_to.workers("ocr", alternative="use --now") == "missing"
    assert "celery -A carousel worker -Q ocr`, or use --now" in err.getvalue()
    heartbeat.beat("ocr")
    told_to, _, err = console()
    assert (told_to.workers("ocr"), err.getvalue()) == ("ok", "")


def test_a_broker_that_is_down_is_a_warning_without_its_password(settings: Any) -> None:
    settings.REDIS_URL = f"redis://:hunter2hunter2@127.0.0.1:{nobody()}/0"
    told_to, _, err = console()
    assert told_to.workers("ocr") == "unknown"
    assert "Redis does not answer" in err.getvalue()
    assert "hunter2" not in err.getvalue()


class Failing(ConsoleCommand):
    error: Exception

    def run(self, console: Console, options: dict[str, Any]) -> None:
        logging.getLogger("tiktok.services.gate").error("for logs")
        logging.getLogger("carousel.lib.drain").warning("the broker is down")
        logging.getLogger("carousel.lib.drain").warning("the broker is down")
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotNow("Paused.", wait=59.7), "Paused. Try again in 60 s."),
        (UpstreamError("No credits.", code="x", retryable=False), "No credits."),
        (ValueError("two\nlines"), "A bug in Carousel: ValueError: two (--traceback shows where)"),
        (KeyError(f"token={'s' * 20}"), "[redacted]"),
    ],
)
def test_whatever_goes_wrong_is_one_line(error: Exception, words: str) -> None:
    command = Failing(stderr=io.StringIO())
    command.error = error
    with pytest.raises(CommandError) as caught:
        call_command(command, verbosity=1)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_logs_are_left_out_but_for_the_broker_once() -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    try:
        command = Failing(stderr=io.StringIO())
        command.error = ValueError()
        with pytest.raises(CommandError):
            call_command(command, verbosity=1)
        assert said.getvalue() == "the broker is down\n"
        with pytest.raises(CommandError):
            call_command(command, verbosity=2)
        assert said.getvalue().count("for logs") == 1
    finally:
        logging.getLogger().removeHandler(handler)


@pytest.mark.django_db
def test_a_database_without_its_tables_is_told_to_migrate() -> None:
    with pytest.raises(ProgrammingError) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")
    assert "run `manage.py migrate`" in str(told(caught.value))


@pytest.mark.parametrize("command", [["cache_media", "--json"], ["queues"], ["migrate"]])
def test_a_database_that_is_down_is_one_line_with_its_address(
    process_env: dict[str, str], command: list[str]
) -> None:
    port = nobody()
    address = f"postgresql://someone:hunter2hunter2@127.0.0.1:{port}/here"
    done = manage(*command, env={**process_env, "DATABASE_URL": address})
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.strip().splitlines()
    assert f"PostgreSQL does not answer at 127.0.0.1:{port}/here: start it" in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("command", "env", "code", "words"),
    [
        (["create_token"], {}, 2, "required: NAME"),
        (["export", "posts", "--min-views", "x"], {}, 2, "--min-views: invalid int value"),
        (["sandbox", "--port", "70000"], {}, 2, "--port: write a number from 0 to 65535"),
        (["queues"], {"MEDIA_ALLOWED_HOSTS": "*"}, 1, "matches nothing. Write example.com"),
        (["up"], {"MEDIA_ALLOWED_HOSTS": ".com"}, 1, "a whole top-level domain"),
        (["up"], {"DATABASE_URL": "postgresql://127.0.0.1:9/x"}, 1, "start it, or correct"),
    ],
)
def test_what_was_typed_or_configured_wrong_is_one_line(
    process_env: dict[str, str], command: list[str], env: dict[str, str], code: int, words: str
) -> None:
    done = manage(*command, env={**process_env, **env})
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.strip().splitlines()
    assert words in line


def test_a_full_disk_is_one_line(process_env: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "sandbox", "--list-faults"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=configured.BASE_DIR, env=process_env, stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "No space left on device. Free some space" in line


@pytest.mark.django_db(transaction=True)
def test_a_stop_finishes_what_is_in_hand_and_leaves_the_rest_queued(
    sandbox: Any, process_env: dict[str, str], eventually: Callable[..., None]
) -> None:
    links = [f"{sandbox.url}/cdn/{n}?x=1" for n in range(200)]
    sandbox.faults.add("/cdn/", "slow", seconds=0.5)
    request_media([MediaRequest("image", link, (link,)) for link in links])
    command = [sys.executable, "manage.py", "cache_media", "--now", "--json"]
    process = subprocess.Popen(
        command, cwd=configured.BASE_DIR, env=process_env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        eventually(CacheAsset.objects.exclude(status__in=(Status.PENDING, Status.RUNNING)).exists)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].endswith("the same command goes on.")
    assert json.loads(out)["worked"]["left"] > 0
    assert not CacheAsset.objects.filter(status=Status.RUNNING).exists()
    assert CacheAsset.objects.filter(status=Status.PENDING).exists()

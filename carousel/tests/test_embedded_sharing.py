"""One pair of servers for all the commands of a checkout, while any of them needs it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from carousel.embedded.client import ensure_running
from carousel.embedded.command_line import needs_services
from carousel.embedded.locations import broker_url, database_url, locations, redis_url
from carousel.tests import running

COMMAND = """
import sys, psycopg
from pathlib import Path
from carousel.embedded.client import ensure_running
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.locations import database_url
base_dir = Path(sys.argv[1])
try:
    hold = ensure_running(base_dir)
except EmbeddedError as error:
    sys.exit(f"failed: {error}")
with psycopg.connect(database_url(base_dir)) as connection:
    since = connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0]
print("started", since.timestamp(), flush=True)
if "wait" in sys.argv:
    import select
    if select.select([hold.fileno()], [], [], 60)[0]:
        print("lost:", hold.lost(), flush=True)
"""


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A folder that serves as a checkout."""
    with running.temporary_folder() as path:
        yield path


def test_commands_at_once_share_one_pair_which_ends_with_the_last(checkout: Path) -> None:
    with (
        running.start(COMMAND, checkout, "wait") as first,
        running.start(COMMAND, checkout, "wait") as second,
        running.start(COMMAND, checkout) as third,
    ):
        assert first.hear("started") == second.hear("started") == third.hear("started")
        assert third.end() == 0
        first.process.kill()
        first.process.wait()
        with running.start(COMMAND, checkout) as fourth:
            assert fourth.hear("started") == second.said[-1]
        second.process.kill()
    running.wait_until_gone(checkout)


def test_a_command_that_ends_waits_until_its_servers_have_stopped(checkout: Path) -> None:
    with running.start(COMMAND, checkout) as command:
        assert command.end() == 0
    assert running.processes(checkout) == []
    assert list(locations(checkout).run.iterdir()) == []


def test_a_server_that_dies_is_reported_to_its_users(checkout: Path) -> None:
    with running.start(COMMAND, checkout, "wait") as command:
        command.hear("started")
        pid = int((locations(checkout).postgres_data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        assert "PostgreSQL was killed" in command.hear("lost:")
    running.wait_until_gone(checkout)


def test_a_keeper_that_is_killed_takes_its_servers_along(checkout: Path) -> None:
    with running.start(COMMAND, checkout, "wait") as command:
        command.hear("started")
        keeper = next(line for line in running.processes(checkout) if "keep.py" in line)
        os.kill(int(keeper.split()[0]), signal.SIGKILL)
        assert "keeper has ended" in command.hear("lost:")
    running.wait_until_gone(checkout)


def test_what_stops_the_servers_from_starting_reaches_the_command(checkout: Path) -> None:
    data = locations(checkout).postgres_data
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9.6\n")
    with running.start(COMMAND, checkout) as command:
        assert command.end() == 1
    assert "failed: " in command.said[-1]
    assert "was made by PostgreSQL 9.6" in command.said[-1]
    running.wait_until_gone(checkout)


def test_each_service_can_be_had_alone_and_none_costs_nothing(checkout: Path) -> None:
    assert ensure_running(checkout, database=False, redis=False) is None
    assert not (checkout / ".data").exists()
    hold = ensure_running(checkout, database=False)
    assert hold is not None
    assert locations(checkout).valkey_socket.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database_url(checkout))
    assert ensure_running(checkout, database=False) is hold
    hold.release()
    assert running.processes(checkout) == []
    shutil.rmtree(checkout / ".data")
    hold.release()  # as at the end of this process
    assert not (checkout / ".data").exists()


def test_addresses_follow_from_the_path_alone(tmp_path: Path) -> None:
    assert database_url(tmp_path) == locations(tmp_path).database_url
    assert not (tmp_path / ".data").exists()
    assert broker_url("redis://host:6379/1") == "redis://host:6379/1"
    assert broker_url("unix:///a%20b/valkey.sock?db=3") == (
        "redis+socket:///a%20b/valkey.sock?virtual_host=3"
    )
    assert redis_url(Path("/a b")) == "unix:///a%20b/.data/run/valkey.sock?db=0"


@pytest.mark.parametrize(
    ("argv", "needed"),
    [
        ("manage.py migrate", True),
        ("manage.py create_token anna", True),
        ("manage.py check", False),
        ("manage.py check --database default", True),
        ("manage.py migrate --help", False),
        ("manage.py --version", False),
        ("manage.py", False),
        ("manage.py sandbox --port 1", False),
        ("manage.py up", False),
    ],
)
def test_only_commands_that_talk_to_servers_start_them(argv: str, needed: bool) -> None:
    assert needs_services(argv.split()) is needed

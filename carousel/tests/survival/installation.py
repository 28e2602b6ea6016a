"""A whole Carousel in miniature: real workers and beat on the test's database, before a sandbox.

Its lease, its pauses and its ticks are a few seconds long, so that what takes minutes in production
is seen within seconds; nothing else differs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from carousel.lib.queues import work_models
from carousel.lib.work import Status
from carousel.tests.settings import SERVERS
from carousel.tests.survival.ticks import QUEUES, TICK
from media_cache.models import CacheAsset

LEASE = 10  # seconds
OWN = "carousel_survival"  # a database
CLOCK = Path(__file__).with_name("clock.py")
ADD = """
import sys, django; django.setup()
from tiktok.services import add_profile
add_profile(sys.argv[1])
"""


@dataclass
class Installation:
    """Processes of the product that share the test's servers and one sandbox.

    ``extra`` is added to their environment, ``folder`` holds their logs and files.
    """

    sandbox: Any
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    stopped: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        host = quote(str(SERVERS.run), safe="")
        name = connections["default"].settings_dict["NAME"]
        return {
            **os.environ,
            "DATABASE_URL": f"postgresql://app@/{name}?host={host}",
            "DJANGO_SETTINGS_MODULE": "carousel.settings",
            "SCRAPECREATORS_BASE_URL": self.sandbox.url,
            "GEMINI_API_KEY": "sandbox",
            "GEMINI_BASE_URL": self.sandbox.gemini_url,
            "OCR_ENGINE": "gemini",
            "OCR_POSTS_PER_REQUEST": "2",
            "MEDIA_ROOT": str(self.folder / "media"),
            "TMPDIR": str(self.folder),  # a worker that is killed leaves its folder there
            "MEDIA_LANES": "4",
            "MEDIA_TIMEOUT_SECONDS": "4",
            "WORK_LEASE_SECONDS": str(LEASE),
            "WORK_BACKOFF_SECONDS": "1",
            **self.extra,
        }

    # --- Its processes -----------------------------------------------------------------------

    def start_worker(
        self, queues: Sequence[str] = QUEUES, *, concurrency: int = 2, clock: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """A Celery worker on these queues. ``clock``: a file that says how wrong its clock is."""
        name = f"worker{len(self.processes)}"
        options = ["-c", str(concurrency), "-n", f"{name}@test", "--without-gossip"]
        return self.start(["worker", "-Q", ",".join(queues), *options], name, clock)

    def start_beat(self, *, clock: Path | None = None) -> subprocess.Popen[bytes]:
        """Celery's clock."""
        name = f"beat{len(self.processes)}"
        return self.start(["beat", "--pidfile=", "--max-interval", str(TICK)], name, clock)

    def start(
        self, arguments: list[str], name: str, clock: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """A part of Celery, in a session of its own, with a log of its own."""
        celery = ["-m", "celery"] if clock is None else [str(CLOCK), str(clock)]
        return self.spawn([sys.executable, *celery, "-A", "carousel", *arguments], name)

    def add(self, handle: str) -> subprocess.Popen[bytes]:
        """Somebody adds a profile, in a process of its own."""
        return self.spawn([sys.executable, "-c", ADD, handle], f"add-{handle}")

    def spawn(self, command: list[str], name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def tail(self) -> str:
        """The last words of its processes, for a test that fails."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}\n{log.read_text('utf-8', 'replace')[-2500:]}" for log in logs)

    def members(self, *processes: subprocess.Popen[bytes]) -> list[str]:
        """Living processes of these sessions, or of all: children and grandchildren included."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "sid=,pid=,stat=,command="],
            capture_output=True,
            text=True,
            check=True,
        )
        sessions = {str(process.pid) for process in processes or self.processes}
        rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
        return [
            " ".join(row[1:])
            for row in rows
            if len(row) == 4 and row[0] in sessions and not row[2].startswith("Z")
        ]

    def stop(self, *processes: subprocess.Popen[bytes], seconds: float = 25.0) -> None:
        """Ask these, or all, to end, and wait until they have with all they started."""
        chosen = processes or tuple(self.processes)
        for process in chosen:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in chosen:
            process.wait(seconds)
        ends = time.monotonic() + 5
        while left := self.members(*chosen):
            assert time.monotonic() < ends, left
            time.sleep(0.02)
        self.stopped += chosen

    def ended(self) -> list[object]:
        """Processes that ended without having been asked to."""
        alive = [process for process in self.processes if process not in self.stopped]
        return [process.args for process in alive if process.poll() is not None]

    def kill(self) -> None:
        """End whatever is left of it."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def check_leaks(self) -> None:
        """Idle workers hold few connections to the database; ended ones no process and none."""
        alive = [process for process in self.processes if process.poll() is None]
        assert self.sessions() <= 5 * len(alive), self.sessions()
        self.stop(*alive)
        assert self.members() == []
        assert self.sessions() == 0

    # --- Its state ---------------------------------------------------------------------------

    def stored(self) -> int:
        """Files that are safe."""
        return CacheAsset.objects.filter(status=Status.COMPLETED).count()

    def unsettled(self) -> dict[str, int]:
        """Rows that have not come to rest, by kind and state."""
        found: dict[str, int] = {}
        for model in work_models():
            rows = model._base_manager.exclude(status__in=(Status.COMPLETED, Status.FAILED))
            for status, code in rows.values_list("status", "error_code"):
                key = f"{model.__name__} {status} {code}".strip()
                found[key] = found.get(key, 0) + 1
        return found

    def failures(self) -> list[str]:
        """Rows that ended as failed, and why."""
        return [
            f"{row} {row.error_code}: {row.error}"
            for model in work_models()
            for row in model._base_manager.filter(status=Status.FAILED)
        ]

    def settle(self, seconds: float, until: Callable[[], bool] = lambda: True) -> float:
        """Wait until every row has come to rest and ``until`` is true; returns how long it took."""
        began = time.monotonic()
        while not (until() and not self.unsettled()):
            if time.monotonic() - began > seconds:
                raise AssertionError(f"after {seconds} s: {self.unsettled()}\n{self.tail()}")
            time.sleep(0.1)
        return time.monotonic() - began

    def sessions(self) -> int:
        """Connections to the database, other than the test's own."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return int(cursor.fetchone()[0])


@contextlib.contextmanager
def own_database() -> Iterator[None]:
    """A database beside that of the other tests, for a block as long as a module."""
    settings_of = connections["default"].settings_dict
    other = settings_of["NAME"]
    connections.close_all()
    _manage_database(f"CREATE DATABASE {OWN} TEMPLATE {other}")
    settings_of["NAME"] = OWN
    try:
        call_command("migrate", verbosity=0)
        call_command("flush", interactive=False, verbosity=0)
        yield
    finally:
        connections.close_all()
        settings_of["NAME"] = other
        _manage_database(f"DROP DATABASE {OWN} WITH (FORCE)")


def _manage_database(statement: str) -> None:
    with psycopg.connect(SERVERS.database_url_for("postgres"), autocommit=True) as server:
        server.execute(statement)


@contextlib.contextmanager
def installation(sandbox: Any, folder: Path, **extra: str) -> Iterator[Installation]:
    """Nothing is started yet; whatever was is gone at the end."""
    made = Installation(sandbox, folder, extra)
    try:
        yield made
    finally:
        made.kill()

"""A whole Carousel in miniature: real workers and beat on the test's database, before a sandbox.

Its lease, its pauses and its ticks are a few seconds long, so that what takes minutes in production
is seen within seconds; nothing else differs.
"""

from __future__ import annotations

import contextlib
import json
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

from django.conf import settings
from django.db import connection, connections
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from carousel.lib.queues import work_models
from carousel.lib.work import Status
from carousel.tests.settings import SERVERS

LEASE = 8  # seconds
TICK = 1  # second
QUEUES = (*settings.QUEUES, "default")
SWEEPS = ("media_cache.tasks.sweep", "ocr.tasks.sweep", "tiktok.tasks.sweep")
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
            "MEDIA_LANES": "4",
            "MEDIA_TIMEOUT_SECONDS": "4",
            "WORK_LEASE_SECONDS": str(LEASE),
            "WORK_BACKOFF_SECONDS": "1",
            **self.extra,
        }

    # --- Its processes -----------------------------------------------------------------------

    def start_worker(
        self, queues: Sequence[str] = QUEUES, *, concurrency: int = 2, program: str = ""
    ) -> subprocess.Popen[bytes]:
        """A Celery worker on these queues. ``program``: Python to run in front of Celery's."""
        name = f"worker{len(self.processes)}"
        arguments = ["worker", "-Q", ",".join(queues), "-c", str(concurrency), "-n", f"{name}@test"]
        return self.start(["--without-gossip", "--without-mingle"], arguments, name, program)

    def start_beat(self) -> subprocess.Popen[bytes]:
        """Celery's clock."""
        name = f"beat{len(self.processes)}"
        return self.start(["--pidfile=", "--max-interval", str(TICK)], ["beat"], name)

    def start(
        self, options: list[str], arguments: list[str], name: str, program: str = ""
    ) -> subprocess.Popen[bytes]:
        """A part of Celery, in a session of its own, with a log of its own."""
        begin = f"{program}\nimport sys; from celery.__main__ import main; sys.exit(main())"
        celery = [sys.executable, "-c", begin] if program else [sys.executable, "-m", "celery"]
        return self.spawn([*celery, "-A", "carousel", *arguments, *options], name)

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

    def logs(self) -> str:
        """Everything its processes have said."""
        return "\n".join(path.read_text("utf-8", "replace") for path in self.folder.glob("*.log"))

    def members(self) -> list[str]:
        """Living processes of its sessions, children and grandchildren included."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "sid=,pid=,stat=,command="],
            capture_output=True,
            text=True,
            check=True,
        )
        sessions = {str(process.pid) for process in self.processes}
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
                tail = self.logs()[-6000:]
                raise AssertionError(f"after {seconds} s: {self.unsettled()}\n{tail}")
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


def tick_fast() -> None:
    """Have beat send every sweep and heartbeat once a second."""
    every, _ = IntervalSchedule.objects.get_or_create(every=TICK, period=IntervalSchedule.SECONDS)
    ticks: list[tuple[str, str, list[str]]] = [(task, "default", []) for task in SWEEPS]
    ticks += [("carousel.tasks.heartbeat", queue, [queue]) for queue in QUEUES]
    for task, queue, arguments in ticks:
        PeriodicTask.objects.update_or_create(
            name=f"{task} {queue}",
            defaults={
                "task": task,
                "queue": queue,
                "args": json.dumps(arguments),
                "interval": every,
                "expire_seconds": 14,
            },
        )


@contextlib.contextmanager
def installation(sandbox: Any, folder: Path, **extra: str) -> Iterator[Installation]:
    """Nothing is started yet; whatever was is gone at the end."""
    made = Installation(sandbox, folder, extra)
    try:
        yield made
    finally:
        made.kill()

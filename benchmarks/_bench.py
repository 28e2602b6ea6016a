"""What the benchmarks share: a folder of their own, servers, the rival, and figures.

Everything is started for one run and gone after it. The one JSON line goes to standard output,
what happens meanwhile to standard error.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PEER = ROOT.parent / "shared" / "peer"
CORPORA = ROOT.parent / "shared" / "corpora"

from carousel.embedded.process import launch_command  # noqa: E402
from carousel.embedded.services import ServiceUrls, embedded_services  # noqa: E402
from carousel.embedded.valkey import server_binary  # noqa: E402


class Skipped(Exception):
    """A part that can't be measured here; the message says why."""


def say(text: str) -> None:
    """A line about what is going on, for whoever watches."""
    print(text, file=sys.stderr, flush=True)


def conclude(benchmark: str, figures: Mapping[str, Any]) -> None:
    """The one line on standard output; floats are cut to what is meaningful."""
    print(json.dumps({"benchmark": benchmark, **_rounded(figures)}), flush=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value


def median(values: Sequence[float]) -> float | None:
    """The middle one; None of none."""
    return statistics.median(values) if values else None


def percentile(seconds: list[float], share: float = 0.95) -> float:
    """The value that this share of them does not exceed."""
    return sorted(seconds)[max(round(share * len(seconds)) - 1, 0)]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


def ratio(ours: float | None, other: float | None) -> float | None:
    """How many times the other's figure ours is; None where either is missing."""
    return ours / other if ours and other else None


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards. The embedded servers may run as another user."""
    folder = Path(tempfile.mkdtemp(prefix="carousel-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    log: Path,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with this block, and with us, however we end.

    Raises Skipped if there is no such program.
    """
    program = shutil.which(command[0])
    if program is None:
        raise Skipped(f"{command[0]} is not installed")
    whole = launch_command([program, *command[1:]], death_signal=signal.SIGKILL)
    with log.open("ab") as out:
        process = subprocess.Popen(
            whole,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.terminate()
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until somebody listens. Raises RuntimeError with the log's end if the process ends."""
    ends = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > ends:
            raise RuntimeError(f"nothing listens on {port}: {log.read_text()[-1000:]}")
        time.sleep(0.05)


@contextlib.contextmanager
def product(folder: Path, **env: str) -> Iterator[ServiceUrls]:
    """Embedded servers with a migrated database, and Django set up on them in this process.

    ``env`` are the variables that ``.env.example`` explains; children inherit them.
    """
    with embedded_services(folder / "servers") as urls:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="carousel.settings",
            DATABASE_URL=urls.database_url,
            REDIS_URL=urls.redis_url,
            SECRET_KEY="of-a-benchmark-and-gone-with-it-in-a-minute-or-two",
            MEDIA_ROOT=str(folder / "media"),
            CAROUSEL_IGNORE_ENV_FILE="True",
            LOG_LEVEL="WARNING",
            **env,
        )
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        try:
            yield urls
        finally:
            connections.close_all()


class Rival:
    """The old system's own stack, installed for this run: Node, BullMQ, Prisma."""

    def __init__(self, folder: Path, redis_port: int, database_url: str) -> None:
        self._folder = folder
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", str(folder)),
            "DATABASE_URL": database_url,
            "REDIS_PORT": str(redis_port),
        }

    def run(self, script: str, *args: object, **env: str) -> dict[str, Any]:
        """The figures that one of its programs prints."""
        done = subprocess.run(
            ["npx", "tsx", script, *map(str, args)],
            cwd=self._folder,
            env={**self._env, **env},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the rival failed: {done.stderr[-1500:]}")
        figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return figures


@contextlib.contextmanager
def rival(folder: Path, urls: ServiceUrls) -> Iterator[Rival]:
    """Install the rival and give it a database on the same server and a Valkey on a port.

    Raises Skipped where it or npm isn't present, or its packages can't be had.
    """
    home = folder / "rival"
    _install_rival(home)
    database = _rival_database(urls.database_url)
    port = free_port()
    log = folder / "rival-valkey.log"
    command = [str(server_binary()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running([*command, "--dir", str(folder)], log=log) as process:
        wait_for_port(port, process, log)
        yield Rival(home, port, database)


def _install_rival(home: Path) -> None:
    if not PEER.is_dir():
        raise Skipped("the rival's sources are not beside this checkout")
    if not (shutil.which("node") and shutil.which("npm")):
        raise Skipped("node and npm are not installed")
    say("installing the rival's packages")
    shutil.copytree(PEER, home)
    # Generating the client needs no schema engine, which would be downloaded.
    env = {**os.environ, "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true"}
    for command in (
        ["npm", "install", "--no-audit", "--no-fund"],
        ["npx", "prisma", "generate"],
    ):
        done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            raise Skipped(f"{' '.join(command)} failed: {last[:200]}")


def _rival_database(database_url: str) -> str:
    """Make the rival's database beside ours; returns its URL as Node's client spells it."""
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE rival")
    address, _, host = database_url.partition("?")
    own = f"{address.rpartition('/')[0]}/rival?{host}"
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute((PEER / "schema.sql").read_bytes())
    return own.replace("@/", "@localhost/")

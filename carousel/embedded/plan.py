"""What a running Carousel is made of: which processes, in which order, and how each is stopped."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# A task in hand may take this long before its worker is told to let go of it: its row is then
# picked up again at the next start.
DRAIN_SECONDS = 30.0
SANDBOX_READY = "sandbox ready on"


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process.

    `stops` are signals with the seconds each is given; SIGKILL follows. `ready_line` is a piece of
    text that its log shows once it serves, `ready_port` a loopback port that it then accepts
    connections on; with neither it counts as ready at once.
    """

    name: str
    command: tuple[str, ...]
    stops: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 10.0),)
    ready_line: str = ""
    ready_port: int | None = None
    ready_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Port:
    """A loopback port that must be free, and the variable that chooses another."""

    number: int
    variable: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that runs: `steps` end by themselves, one after another, then come the tiers.

    A tier is started when all of the one before it are ready; tiers stop in reverse order.
    """

    base_dir: Path
    database: bool
    redis: bool
    ports: tuple[Port, ...] = ()
    steps: tuple[ProcessSpec, ...] = ()
    tiers: tuple[tuple[ProcessSpec, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What the settings decide about the processes.

    `sandbox_port` None: no sandbox. `database` and `redis`: whether the embedded ones are needed.
    """

    base_dir: Path
    web_port: int
    database: bool
    redis: bool
    sandbox_port: int | None = None
    sandbox_seed: int | None = None
    local_reader: bool = True
    log_level: str = "INFO"


def carousel_plan(options: StackOptions) -> Plan:
    """The processes of a whole Carousel on one small machine."""
    ports = [Port(options.web_port, "WEB_PORT")]
    tiers: list[tuple[ProcessSpec, ...]] = []
    if options.sandbox_port is not None:
        ports.append(Port(options.sandbox_port, "SANDBOX_PORT"))
        tiers.append((_sandbox(options.sandbox_port, options.sandbox_seed),))
    tiers.append((_web(options.web_port), *_workers(options), _beat(options)))
    manage = (sys.executable, "manage.py")
    return Plan(
        base_dir=options.base_dir,
        database=options.database,
        redis=options.redis,
        ports=tuple(ports),
        steps=(ProcessSpec("migrate", (*manage, "migrate", "--noinput")),),
        tiers=tuple(tiers),
    )


def _sandbox(port: int, seed: int | None) -> ProcessSpec:
    command = [sys.executable, "manage.py", "sandbox", "--port", str(port)]
    command += [] if seed is None else ["--seed", str(seed)]
    return ProcessSpec("sandbox", tuple(command), ready_line=SANDBOX_READY)


def _web(port: int) -> ProcessSpec:
    command = [sys.executable, "-m", "gunicorn", "carousel.wsgi"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "carousel.web.Worker"]
    command += ["--workers", "2", "--threads", "4", "--timeout", "120", "--graceful-timeout", "20"]
    # Its control socket would be one file in the home folder for all checkouts.
    command += ["--no-control-socket", "--access-logfile", "-", "--log-level", "warning"]
    # To gunicorn SIGTERM is the graceful end and SIGQUIT the quick one.
    stops = ((signal.SIGTERM, 25.0), (signal.SIGQUIT, 5.0))
    return ProcessSpec("web", tuple(command), stops=stops, ready_port=port)


def _workers(options: StackOptions) -> tuple[ProcessSpec, ...]:
    celery = _celery_command(options)
    # The local reader keeps a processor busy per process; the one behind an API mostly waits.
    readers = 2 if options.local_reader else 1
    queues: tuple[tuple[str, str, int], ...] = (
        ("media", "media-cache", 2),
        ("monitor", "profile-monitor,default", 1),
        ("ocr", "ocr", readers),
    )
    return tuple(
        ProcessSpec(
            name,
            celery("worker", "-n", f"{name}@%h", "-Q", names, "-c", str(count), "--without-gossip"),
            # SIGTERM lets tasks in hand finish, SIGQUIT abandons them to the next start.
            stops=((signal.SIGTERM, DRAIN_SECONDS), (signal.SIGQUIT, 5.0)),
        )
        for name, names, count in queues
    )


def _beat(options: StackOptions) -> ProcessSpec:
    # Without a name for it, beat leaves celerybeat.pid in the checkout.
    return ProcessSpec("beat", _celery_command(options)("beat", "--pidfile="))


def _celery_command(options: StackOptions) -> Callable[..., tuple[str, ...]]:
    def command(part: str, *arguments: str) -> tuple[str, ...]:
        start = (sys.executable, "-m", "celery", "-A", "carousel", part)
        return (*start, "--loglevel", options.log_level, *arguments)

    return command

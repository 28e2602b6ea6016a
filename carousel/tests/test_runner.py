"""The runner, on plans of small programs: order, draining, deaths, and what is left behind."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carousel.embedded.plan import StackOptions, carousel_plan
from carousel.tests import running

# argv: checkout, what to do. Every program writes what happens to it into the file "events".
RUNNER = """
import asyncio, signal, sys
from pathlib import Path
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.plan import Plan, Port, ProcessSpec
from carousel.embedded.supervisor import Supervisor

checkout, way = Path(sys.argv[1]), sys.argv[2]
PROGRAM = '''
import pathlib, signal, subprocess, sys, time
name, seconds, checkout = sys.argv[1], float(sys.argv[2]), sys.argv[3]
def note(what):
    with open(checkout + "/events", "a") as file:
        file.write(f"{name} {what}\\\\n")
def stop(*_):
    note("asked")
    time.sleep(seconds)
    note("done")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)", checkout])
note("ready")
print(name, "is ready", flush=True)
if name == "dies":
    print("WARNING about to go", flush=True)
    print("ValueError: no more eggs", flush=True)
    time.sleep(1)
    sys.exit(3)
while True:
    time.sleep(99)
'''

def spec(name, seconds=0.0, **options):
    command = (sys.executable, "-u", "-c", PROGRAM, name, str(seconds), str(checkout))
    return ProcessSpec(name, command, ready_line="is ready", **options)

migrate = f"open({str(checkout / 'events')!r}, 'a').write('migrated\\\\n')"
note = ProcessSpec("note", (sys.executable, "-c", migrate))
bad = ProcessSpec("migrate", (sys.executable, "-c", "raise SystemExit('Error: no such table')"))
stubborn = spec("stubborn", 99.0, stops=((signal.SIGTERM, 0.5),))
tiers = {
    "dies": ((spec("base"),), (spec("dies"), spec("slow", 0.3))),
    "stubborn": ((spec("base"),), (stubborn,)),
    "hurry": ((spec("slow", 99.0, stops=((signal.SIGTERM, 99.0),)),),),
}.get(way, ((spec("base"),), (spec("slow", 0.5), spec("quick"))))
plan = Plan(
    base_dir=checkout,
    database=way == "services",
    redis=way == "services",
    ports=(Port(int(sys.argv[3]), "WEB_PORT"),) if way == "port" else (),
    steps=(bad,) if way == "bad step" else (note,),
    tiers=tiers,
)

async def work():
    print("serving", flush=True)
    await asyncio.sleep(0.1 if way == "once" else 60)

say = lambda line: print(line, flush=True)
try:
    finished = Supervisor(plan, say, with_parent="with parent" in sys.argv).run(work)
    print("finished" if finished else "stopped", flush=True)
except EmbeddedError as error:
    sys.exit(f"failed: {error}")
"""


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A folder that serves as a checkout; nothing may be left running in it."""
    with running.temporary_folder() as path:
        yield path
        running.wait_until_gone(path)


def events(checkout: Path) -> list[str]:
    return (checkout / "events").read_text().splitlines()


def test_tiers_start_in_order_and_stop_in_reverse_after_draining(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "serve") as runner:
        runner.hear("serving")
        assert events(checkout)[:2] == ["migrated", "base ready"]
        assert sorted(events(checkout)[2:]) == ["quick ready", "slow ready"]
        runner.process.send_signal(signal.SIGTERM)
        assert runner.end() == 0
    assert runner.said[-1] == "stopped"
    stops = events(checkout)[4:]
    assert sorted(stops[:2]) == ["quick asked", "slow asked"] or stops[1] == "quick done"
    assert stops[-3:] == ["slow done", "base asked", "base done"]
    assert running.processes(checkout) == []


def test_it_stops_by_itself_when_the_work_is_done(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "once") as runner:
        assert runner.end() == 0
    assert runner.said[-1] == "finished"
    assert events(checkout)[-1] == "base done"
    assert running.processes(checkout) == []


def test_a_process_that_dies_is_one_line_and_stops_the_others(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "dies") as runner:
        assert runner.end() == 1
    assert runner.said[-1].startswith("failed: dies ended with code 3: ")
    assert "no more eggs" in runner.said[-1]
    assert "dies    | WARNING about to go" in runner.said
    assert events(checkout)[-2:] == ["base asked", "base done"]
    assert running.processes(checkout) == []


def test_a_step_that_fails_is_one_line_and_nothing_is_started(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "bad step") as runner:
        assert runner.end() == 1
    assert runner.said[-1].startswith("failed: migrate ended with code 1: Error: no such table")
    assert not (checkout / "events").exists()


def test_one_that_will_not_stop_is_killed_with_all_it_started(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "stubborn") as runner:
        runner.hear("serving")
        runner.process.send_signal(signal.SIGTERM)
        assert runner.end() == 0
    assert "stubborn done" not in events(checkout)
    assert running.processes(checkout) == []


def test_a_second_interrupt_stops_at_once(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "hurry") as runner:
        runner.hear("serving")
        runner.process.send_signal(signal.SIGINT)
        runner.hear("stopping")
        time.sleep(1.1)
        runner.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert runner.end() == 0
        assert time.monotonic() - began < 5


def test_a_killed_runner_leaves_nothing_and_the_next_one_starts(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "services") as runner:
        runner.hear("serving")
        runner.process.kill()
    with running.start(RUNNER, checkout, "services") as runner:
        runner.hear("serving")
        runner.process.send_signal(signal.SIGTERM)
        assert runner.end() == 0
    assert running.processes(checkout) == []


def test_the_death_of_the_database_stops_everything_with_one_line(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "services") as runner:
        runner.hear("serving")
        lock = checkout / ".data/postgres/postmaster.pid"
        os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)
        assert runner.end() == 1
    assert runner.said[-1].startswith("failed: PostgreSQL was killed")


def test_it_stops_when_the_process_that_started_it_is_killed(checkout: Path) -> None:
    parent = "import subprocess; subprocess.run([sys.executable, '-u', '-c', *sys.argv[1:]])"
    with running.start(parent, running.BARE + RUNNER, checkout, "serve", "with parent") as make:
        make.hear("serving")
        make.process.kill()
        make.hear("stopped")


def test_a_second_runner_in_the_same_checkout_is_refused(checkout: Path) -> None:
    with running.start(RUNNER, checkout, "serve") as first:
        first.hear("serving")
        with running.start(RUNNER, checkout, "serve") as second:
            assert second.end() == 1
        assert f"already runs in this checkout (process {first.process.pid})" in second.said[-1]
        first.process.send_signal(signal.SIGTERM)
        with running.start(RUNNER, checkout, "once") as third:  # one that is stopping is waited for
            assert third.end() == 0
        assert first.end() == 0


def test_a_port_in_use_is_one_line_that_names_the_variable(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running.start(RUNNER, checkout, "port", str(port)) as runner:
            assert runner.end() == 1
    assert runner.said == [runner.said[0]]
    assert f"port {port} is in use" in runner.said[0]
    assert "WEB_PORT=" in runner.said[0]


def test_the_plan_has_every_queue_and_no_sandbox_where_there_is_a_key(checkout: Path) -> None:
    options = StackOptions(checkout, web_port=8000, database=True, redis=False, sandbox_port=None)
    plan = carousel_plan(options)
    commands = [" ".join(spec.command) for tier in plan.tiers for spec in tier]
    for queue in ("media-cache", "profile-monitor", "ocr", "default"):
        assert sum(queue in command.split("-Q")[-1] for command in commands if "-Q" in command) == 1
    assert not any("sandbox" in command for command in commands)
    assert [port.variable for port in plan.ports] == ["WEB_PORT"]
    assert (plan.database, plan.redis) == (True, False)

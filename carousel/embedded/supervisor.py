"""Runs a plan: starts it in tiers, tells when something dies, stops it in reverse order.

Nothing it started outlives it, whatever ends it: every process has a watcher that notices
(`launch`), and the embedded servers belong to their keeper, which notices too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from carousel.embedded.child import Child
from carousel.embedded.client import Hold, ensure_running
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.locations import Locations, locations
from carousel.embedded.log import Warnings
from carousel.embedded.plan import Plan, ProcessSpec
from carousel.embedded.single import free_port, single_runner

PARENT_POLL_SECONDS = 0.3
HURRY_SECONDS = 1.0
ECHO_POLL_SECONDS = 0.5

Say = Callable[[str], None]
Work = Callable[[], Awaitable[None]]


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass
class Supervisor:
    """Runs one plan in the foreground of this process.

    `say` gets one line at a time for the person at the terminal; with `echo` also what the
    processes warn of. With `with_parent` the run also ends when the process that started this
    one is gone (make, killed the hard way).
    """

    plan: Plan
    say: Say
    with_parent: bool = False
    echo: bool = True

    def __post_init__(self) -> None:
        # When the first process of ours was started: what an earlier run left running began before.
        self.tiers_began: datetime | None = None
        self._where: Locations = locations(self.plan.base_dir)
        self._children: list[list[Child]] = []
        self._trouble: asyncio.Future[None] | None = None
        self._hurry = asyncio.Event()
        self._asked_at: float | None = None
        self._parent = os.getppid()

    def run(self, work: Work) -> bool:
        """Start the plan; once all of it serves, do `work`; then stop everything.

        Gives True when `work` came to its end, False when somebody asked us to stop before
        (SIGTERM, Ctrl-C). Raises EmbeddedError with one line when something could not start or
        died by itself; what `work` raises comes through. Everything has stopped when this
        returns or raises.
        """
        with single_runner(self._where) as runner:
            for port in self.plan.ports:
                free_port(port, patience=runner.patience)
            hold = self._services()
            try:
                return asyncio.run(self._run(work, hold, runner.stopping))
            finally:
                runner.stopping()
                if hold is not None:
                    hold.release()

    def _services(self) -> Hold | None:
        plan = self.plan
        if not (plan.database or plan.redis):
            return None
        wanted = {"PostgreSQL": plan.database, "Valkey": plan.redis}
        names = [name for name, needed in wanted.items() if needed]
        began = time.monotonic()
        hold = ensure_running(plan.base_dir, database=plan.database, redis=plan.redis)
        seconds = time.monotonic() - began
        self.say(f"{' and '.join(names)} ready in {self._where.data} ({seconds:.1f} s)")
        return hold

    async def _run(self, work: Work, hold: Hold | None, stopping: Callable[[], object]) -> bool:
        loop = asyncio.get_running_loop()
        self._trouble = loop.create_future()
        with self._signals(loop), self._watched(loop, hold):
            main = asyncio.ensure_future(self._start_and_work(work))
            try:
                await asyncio.wait({main, self._trouble}, return_when=asyncio.FIRST_COMPLETED)
                if self._trouble.done():
                    self._trouble.result()
                await main
                return True
            except Stopped:
                self.say("stopping: tasks in hand are finished first (Ctrl-C again: at once)")
            finally:
                stopping()
                self._trouble.cancel()
                main.cancel()
                await asyncio.gather(main, return_exceptions=True)
                await self._stop()
        return False

    async def _start_and_work(self, work: Work) -> None:
        for step in self.plan.steps:
            await self._step(step)
        self.tiers_began = datetime.now(UTC)
        for tier in self.plan.tiers:
            children = [Child(spec, self.plan.base_dir, self._where.logs) for spec in tier]
            self._children.append(children)
            for child in children:
                await child.start()
                child.on_end(self._child_ended)
            await asyncio.gather(*(child.wait_ready() for child in children))
        await work()

    async def _step(self, spec: ProcessSpec) -> None:
        child = Child(spec, self.plan.base_dir, self._where.logs)
        self._children.append([child])
        await child.start()
        if await child.ended() != 0:
            raise EmbeddedError(child.epitaph())
        self._children.pop()

    def _child_ended(self, child: Child) -> None:
        if self._trouble is not None and not self._trouble.done():
            self._trouble.set_exception(EmbeddedError(child.epitaph()))

    async def _stop(self) -> None:
        for children in reversed(self._children):
            await asyncio.gather(*(child.stop(self._hurry) for child in children))
        self._children.clear()

    def _ask_to_stop(self, number: signal.Signals) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif number == signal.SIGINT and now - self._asked_at > HURRY_SECONDS:
            self._hurry.set()
        if self._trouble is not None and not self._trouble.done():
            self._trouble.set_exception(Stopped())

    @contextlib.contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._ask_to_stop, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    @contextlib.contextmanager
    def _watched(self, loop: asyncio.AbstractEventLoop, hold: Hold | None) -> Iterator[None]:
        """Notice the death of the embedded servers, and what else was asked for."""
        if hold is not None:
            loop.add_reader(hold.fileno(), self._services_lost, loop, hold)
        watches = [asyncio.ensure_future(self._watch_parent())] if self.with_parent else []
        watches += [asyncio.ensure_future(self._echo())] if self.echo else []
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            if hold is not None:
                loop.remove_reader(hold.fileno())

    def _services_lost(self, loop: asyncio.AbstractEventLoop, hold: Hold) -> None:
        loop.remove_reader(hold.fileno())
        self._hurry.set()  # without a database no task can finish
        if self._trouble is not None and not self._trouble.done():
            self._trouble.set_exception(EmbeddedError(hold.lost()))

    async def _watch_parent(self) -> None:
        while os.getppid() == self._parent:
            await asyncio.sleep(PARENT_POLL_SECONDS)
        self._ask_to_stop(signal.SIGTERM)

    async def _echo(self) -> None:
        """Repeat what the processes warn of, with their names before it."""
        warnings = Warnings()
        while True:
            await asyncio.sleep(ECHO_POLL_SECONDS)
            for child in [child for tier in self._children for child in tier]:
                for line in warnings.new_in(child.log):
                    self.say(f"{child.spec.name:<8}| {line}")

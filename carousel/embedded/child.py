"""One process of a plan, while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from carousel.embedded.errors import EmbeddedError
from carousel.embedded.log import epitaph
from carousel.embedded.plan import ProcessSpec
from carousel.embedded.process import launch_command

PATIENCE_SECONDS = 3.0  # after the death of the supervisor
POLL_SECONDS = 0.1


class Child:
    """A process in a group of its own that writes to a log file and dies with this process."""

    def __init__(self, spec: ProcessSpec, base_dir: Path, logs: Path) -> None:
        self.spec = spec
        self.log = logs / f"{spec.name}.log"
        self._base_dir = base_dir
        self._process: asyncio.subprocess.Process | None = None
        self._end: asyncio.Task[int] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start it; its former log is kept once, with `.1` at the end of its name."""
        if self.log.exists():
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        command = launch_command(
            self.spec.command, death_signal=signal.SIGTERM, watch=True, patience=PATIENCE_SECONDS
        )
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self._base_dir,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._end = asyncio.ensure_future(self._process.wait())

    def on_end(self, tell: Callable[[Child], None]) -> None:
        """Call `tell` when it ends without having been asked to."""
        assert self._end is not None
        self._end.add_done_callback(lambda _: None if self._stopping else tell(self))

    async def ended(self) -> int:
        """Wait for its end; gives the exit code, 128 plus the number for a signal."""
        assert self._end is not None
        return await asyncio.shield(self._end)

    async def wait_ready(self) -> None:
        """Wait until it serves. Raises EmbeddedError if that takes too long."""
        try:
            async with asyncio.timeout(self.spec.ready_seconds):
                while not await self._ready():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise EmbeddedError(
                f"{self.spec.name} was not ready after {self.spec.ready_seconds:.0f} s: "
                f"see {self.log}"
            ) from None

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stop it with its signals in turn and wait for its end; once `hurry` is set, at once."""
        self._stopping = True
        if self._process is None or self._end is None:
            return
        for number, seconds in self.spec.stops:
            if self._end.done() or hurry.is_set():
                break
            self._send(number)
            hurried = asyncio.ensure_future(hurry.wait())
            await asyncio.wait(
                {self._end, hurried}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            hurried.cancel()
        if not self._end.done():
            self._send(signal.SIGUSR1)  # to the watcher: kill the whole group
        await self._end

    def epitaph(self) -> str:
        """One line about its end."""
        code = self._end.result() if self._end is not None and self._end.done() else None
        return epitaph(self.spec.name, -(code - 128) if code and code > 128 else code, self.log)

    async def _ready(self) -> bool:
        if self.spec.ready_port is not None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.spec.ready_port)
            except OSError:
                return False
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return True
        if self.spec.ready_line:
            return self.spec.ready_line in self.log.read_text("utf-8", "replace")
        return True

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

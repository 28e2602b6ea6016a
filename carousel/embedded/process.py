"""A server as a child process that cannot outlive us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from carousel.embedded.account import Account, can_reach
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.log import epitaph

LAUNCH = Path(__file__).with_name("launch.py")


def launch_command(
    program: Sequence[str],
    *,
    death_signal: signal.Signals,
    account: Account | None = None,
    search: bool = False,
    clean: bool = False,
    watch: bool = False,
    patience: float = 20.0,
) -> list[str]:
    """The command that starts `program` so that it gets `death_signal` when this process dies.

    `account` drops root first, `search` keeps the right to enter any folder while doing so,
    `clean` hides our environment. `watch` leaves a small process beside the program that polls
    for the parent, as is needed outside Linux, and that ends the whole process group:
    `patience` seconds after the death signal, and whenever the program has ended.
    """
    command = [sys.executable, "-I", "-S", str(LAUNCH)]
    command += ["--parent", str(os.getpid()), "--death-signal", str(int(death_signal))]
    if account is not None and account.switch:
        command += ["--uid", str(account.uid), "--gid", str(account.gid)]
        command += ["--search"] if search else []
    command += ["--clean"] if clean else []
    command += ["--watch", "--patience", str(patience)] if watch else []
    return [*command, "--", *program]


@dataclass
class ServerProcess:
    """One server: how to start it, ask whether it is ready, and stop it.

    `stop_signals` are tried in turn, each with its seconds to comply, before SIGKILL.
    """

    name: str
    program: Sequence[str]
    account: Account
    log: Path
    stop_signals: Sequence[tuple[signal.Signals, float]]
    folders: Sequence[Path] = ()
    watch: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the server; returns at once.

        PR_SET_PDEATHSIG is about the thread that starts: call this from a thread that lives as
        long as the server should.
        """
        reach = [Path(self.program[0]), *self.folders]
        command = launch_command(
            self.program,
            death_signal=self.stop_signals[0][0],
            account=self.account,
            search=not all(can_reach(self.account, path) for path in reach),
            clean=True,
            watch=self.watch,
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def exit_code(self) -> int | None:
        """The exit code once it has ended (negative: killed by that signal), else None."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id, or None before `start`."""
        return self._process.pid if self._process else None

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()` is true. Raises EmbeddedError if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                raise EmbeddedError(self.epitaph())
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.name} did not answer within {seconds:.0f} s: see {self.log}"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server and wait for its end. Harmless when it is not running."""
        process = self._process
        if process is None:
            return
        for number, seconds in self.stop_signals:
            if process.poll() is not None:
                return
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def epitaph(self) -> str:
        """One line about its end: what, how, and the last words of its log."""
        return epitaph(self.name, self.exit_code, self.log)

"""How a command gets the embedded servers of its checkout, and gives them back."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from carousel.embedded.account import shared_folder
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.keeper import SHARED, exclusive
from carousel.embedded.locations import Locations, locations
from carousel.embedded.log import last_words

KEEP = Path(__file__).with_name("keep.py")
START_SECONDS = 90.0
STOP_SECONDS = 40.0
LEAVE_SECONDS = 2.0

_held: dict[tuple[Path, bool, bool], Hold] = {}


class Hold:
    """A need for embedded servers; they run at least until `release` or the end of this process."""

    def __init__(self, where: Locations, *, database: bool, redis: bool) -> None:
        self._where = where
        self._wanted = json.dumps({"database": database, "redis": redis}).encode()
        self._owner = os.getpid()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._connection = self._obtain()

    def fileno(self) -> int:
        """The connection's file descriptor: it becomes readable when the servers have died."""
        return self._connection.fileno()

    def lost(self) -> str:
        """What the keeper said when it gave up, as one line; call it once `fileno` is readable."""
        with contextlib.suppress(OSError):
            words = self._connection.recv(4096).decode().removeprefix("error ").strip()
            if words:
                return words
        return f"the embedded servers' keeper has ended (log: {self._where.logs / 'keeper.log'})"

    def release(self) -> None:
        """Give the servers back; if nobody else needs them, wait until they have stopped."""
        if os.getpid() != self._owner:  # a forked child shares the connection, not the duty
            return
        if self.fileno() < 0:  # given back before
            return
        answer = b""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(STOP_SECONDS)
            while more := self._connection.recv(4096):
                answer += more
        self._connection.close()
        deadline = time.monotonic() + (0.0 if SHARED in answer else LEAVE_SECONDS)
        while self._keeper_exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._keeper is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(0.0 if self._keeper_exists() else LEAVE_SECONDS)

    def _obtain(self) -> socket.socket:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._where.keeper_socket))
                connection.sendall(self._wanted)
                connection.settimeout(START_SECONDS)
                answer = connection.recv(4096).decode().strip()
            except PermissionError:
                connection.close()
                raise EmbeddedError(
                    f"the embedded servers in {self._where.data} belong to another user: run this "
                    "as that user, or set DATABASE_URL and REDIS_URL"
                ) from None
            except OSError:
                answer = ""
            if answer == "ready":
                connection.settimeout(None)
                return connection
            connection.close()
            if answer:
                raise EmbeddedError(answer.removeprefix("error "))
            self._start_keeper()
            time.sleep(0.05)
        raise EmbeddedError(
            f"the embedded servers did not start within {START_SECONDS:.0f} s: "
            f"see {self._where.logs}"
        )

    def _start_keeper(self) -> None:
        """Start a keeper unless there is one: ours, on its way, or another that is just ending."""
        if self._keeper is not None:
            code = self._keeper.poll()
            if code is None:
                return
            if code != 0:
                words = last_words(self._where.logs / "keeper.log", lines=1)
                raise EmbeddedError(words.partition("EmbeddedError: ")[2] or words)
        if self._keeper_exists():
            return
        shared_folder(self._where.logs)
        log = self._where.logs / "keeper.log"
        log.unlink(missing_ok=True)
        with log.open("ab") as file:
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", str(KEEP), str(self._where.data)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def _keeper_exists(self) -> bool:
        """Whether some keeper holds the lock of this data folder."""
        shared_folder(self._where.data)
        with exclusive(self._where.keeper_lock) as lock:
            return lock is None


def ensure_running(base_dir: Path, *, database: bool = True, redis: bool = True) -> Hold | None:
    """See to it that the checkout's embedded servers run for the life of this process.

    Starts them where they do not run, shares them where they do: any number of commands may call
    this at once, and the servers stop when the last of them has ended, however it ended. Asks for
    nothing, and returns None, where neither is wanted because a URL is configured.
    Raises EmbeddedError with one line that says what to do.
    """
    if not (database or redis):
        return None
    key = (base_dir.resolve(), database, redis)
    if key not in _held:
        _held[key] = Hold(locations(base_dir), database=database, redis=redis)
        atexit.register(_held[key].release)
    return _held[key]

"""Keeps one PostgreSQL and one Valkey for all the commands of a checkout, while any needs them.

The first command (`client`) starts it (`keep`) and it serves a socket. A connection is a need: it
asks for servers, is answered when they are ready, and lasts as long as its command, whichever way
that ends. When the last connection is gone, so are the servers and the keeper. It outlives no user
by more than the time PostgreSQL takes to shut down.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from carousel.embedded.account import shared_folder
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.locations import Locations, locations_in
from carousel.embedded.services import Services

if TYPE_CHECKING:
    from io import TextIOWrapper

FIRST_USER_SECONDS = 10.0
CHECK_SECONDS = 0.5
REQUEST_SECONDS = 2.0
SHARED = b"shared\n"  # the answer to who leaves while others stay


class Keeper:
    """Serves needs on a socket until there is none left."""

    def __init__(self, locations: Locations) -> None:
        self._locations = locations
        self._services = Services(locations)
        self._selector = selectors.DefaultSelector()
        self._users: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._stopping = False

    def run(self) -> None:
        """Serve until the last user has left, a server has died or we are told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._listen()
        deadline = time.monotonic() + FIRST_USER_SECONDS
        try:
            while not self._stopping and (self._users or time.monotonic() < deadline):
                for key, _ in self._selector.select(CHECK_SECONDS):
                    deadline = 0.0
                    self._accept() if key.fileobj is self._listener else self._leave(key.fileobj)
                self._report_death()
        finally:
            self._close()

    def _listen(self) -> None:
        where = self._locations
        self._services.prepare()
        where.keeper_socket.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(where.keeper_socket))
        self._listener.listen(128)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _accept(self) -> None:
        assert self._listener is not None
        user, _ = self._listener.accept()
        user.settimeout(REQUEST_SECONDS)
        try:
            wanted = json.loads(user.recv(4096))
            user.setblocking(True)
            self._services.start(database=wanted["database"], redis=wanted["redis"])
        except (EmbeddedError, OSError, ValueError, KeyError) as error:
            self._say(user, f"error {error}")
            user.close()
            return
        self._say(user, "ready")
        self._users.add(user)
        self._selector.register(user, selectors.EVENT_READ)

    def _leave(self, user: object) -> None:
        assert isinstance(user, socket.socket)
        self._selector.unregister(user)
        self._users.discard(user)
        if not self._users:
            self._stopping = True
            self._close()
        else:
            with contextlib.suppress(OSError):
                user.sendall(SHARED)
        user.close()

    def _report_death(self) -> None:
        if not self._stopping and (words := self._services.dead()):
            for user in self._users:
                self._say(user, f"error {words}")
            self._stopping = True

    def _close(self) -> None:
        """Stop listening first: whoever comes now starts a keeper of their own and waits for us."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self._services.stop()

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    @staticmethod
    def _say(user: socket.socket, words: str) -> None:
        with contextlib.suppress(OSError):
            user.sendall(words.replace("\n", " ").encode() + b"\n")


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[TextIOWrapper | None]:
    """Hold the lock file `path` for this block; gives None where somebody else holds it."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file


def main(data: Path) -> None:
    """Run a keeper for the data folder, unless there is one."""
    where = locations_in(data)
    shared_folder(where.data)
    with exclusive(where.keeper_lock) as lock:
        if lock is not None:
            Keeper(where).run()
            # The lock goes with the process and not before: who finds it free finds no keeper.
            os._exit(0)

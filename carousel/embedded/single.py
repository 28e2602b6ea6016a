"""One runner per checkout, and the ports it needs."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from carousel.embedded.account import shared_folder
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.keeper import exclusive
from carousel.embedded.locations import Locations
from carousel.embedded.plan import Port

POLL_SECONDS = 0.1
NOTICE_SECONDS = 2.0  # within which a runner whose parent was killed says that it is stopping
STOP_SECONDS = 60.0
PORT_SECONDS = 10.0  # that what a killed runner left behind may hold a port


@dataclass(frozen=True, slots=True)
class Runner:
    """The right to run in this checkout. `patience`: seconds to wait for ports to become free."""

    patience: float
    stopping: Callable[[], object]


@contextlib.contextmanager
def single_runner(where: Locations) -> Iterator[Runner]:
    """Be the only runner of a checkout for this block.

    Waits for one that is stopping. Raises EmbeddedError with one line if another is running.
    """
    for folder in (where.data, where.logs):
        shared_folder(folder)
    began = time.monotonic()
    while True:
        with exclusive(where.runner_lock) as lock:
            if lock is not None:
                # A word left in the file says that the last runner did not end in good order.
                crashed = where.runner_lock.read_text() != ""
                where.runner_lock.write_text(f"running {os.getpid()}")
                try:
                    yield Runner(
                        patience=PORT_SECONDS if crashed else 0.0,
                        stopping=partial(where.runner_lock.write_text, f"stopping {os.getpid()}"),
                    )
                finally:
                    where.runner_lock.write_text("")
                return
        state = where.runner_lock.read_text()
        limit = STOP_SECONDS if state.startswith("stopping") else NOTICE_SECONDS
        if time.monotonic() - began > limit:
            raise EmbeddedError(
                f"Carousel already runs in this checkout ({state.replace('running', 'process')}): "
                "stop that one first, or use it"
            )
        time.sleep(POLL_SECONDS)


def free_port(port: Port, *, patience: float) -> None:
    """Raises EmbeddedError, after `patience` seconds, if the loopback port is taken."""
    deadline = time.monotonic() + patience
    while True:
        with socket.socket() as probe:
            # As servers do: connections that linger from an earlier run are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port.number))
            except PermissionError:
                raise EmbeddedError(
                    f"port {port.number} is reserved for root: set {port.variable} above 1023"
                ) from None
            except OSError as error:
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"port {port.number} is in use: stop what listens there, or choose "
                        f"another with {port.variable}={_another(port.number)}"
                    ) from error
            else:
                return
        time.sleep(POLL_SECONDS)


def _another(number: int) -> int:
    """A port near `number` that is free now."""
    for candidate in range(number + 1, min(number + 100, 65536)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    return number + 1

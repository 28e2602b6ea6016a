"""Writes that outlive a restart of the database server."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

# The server is not there, or hung up. Deadlocks and timeouts are among them: they pass, too.
AWAY = (OperationalError, InterfaceError)
PATIENCE = min(20.0, settings.WORK_LEASE_SECONDS / 5)  # seconds
LONGEST_WAIT = 1.0  # seconds between two tries

_one_connection: ContextVar[bool] = ContextVar("carousel_one_connection", default=False)

T = TypeVar("T")


@contextlib.contextmanager
def one_connection() -> Iterator[None]:
    """Within the block nothing goes on over another connection: the session holds a lock."""
    token = _one_connection.set(True)
    try:
        yield
    finally:
        _one_connection.reset(token)


def persist(write: Callable[[], T]) -> T:
    """Do ``write``; if the database goes away under it, wait for it and do it once more.

    For what may be done twice, as nobody knows whether the first try was committed. It is tried
    once inside a transaction and within ``one_connection``. Raises the last of ``AWAY`` after
    ``PATIENCE`` seconds.
    """
    ends, wait = time.monotonic() + PATIENCE, 0.05
    while True:
        try:
            return write()
        except AWAY as exc:
            bound = connection.in_atomic_block or _one_connection.get()
            if bound or time.monotonic() + wait > ends:
                raise
            logger.warning("The database went away, trying again: %s", str(exc).strip())
        connection.close()
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)

"""Writes that outlive a restart of the database, and sessions that don't outlive their machine."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

logger = logging.getLogger(__name__)

# The server is not there, or hung up. Deadlocks and timeouts are among them: they pass, too.
AWAY = (OperationalError, InterfaceError)
PATIENCE = min(20.0, settings.WORK_LEASE_SECONDS / 5)  # seconds
LONGEST_WAIT = 1.0  # seconds between two tries
# The server asks a silent client after 15 s, and gives it up after 15 more. Without effect, and
# harmless, on a Unix socket (PostgreSQL's manual, section 19.3).
WATCH_SESSION = """
SELECT set_config('tcp_keepalives_idle', '15', false),
       set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '3', false),
       set_config('tcp_user_timeout', '30000', false)
"""

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


def forget_lost_machines() -> None:
    """From now on, have the database server end sessions whose machine is gone.

    A machine that loses its power or its network says no goodbye. By its own defaults the server
    keeps such a session, with all its locks, for more than two hours.
    """
    connection_created.connect(_watch_session, dispatch_uid="carousel.watch_session")


def _watch_session(sender: Any, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Not in the connection's startup options, which PgBouncer refuses."""
    connection.connection.execute(WATCH_SESSION)

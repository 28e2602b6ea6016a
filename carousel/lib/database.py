"""Writes that outlive a restart of the database server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

# The server is not there, or hung up. Deadlocks and timeouts are among them: they pass, too.
AWAY = (OperationalError, InterfaceError)
PATIENCE = min(20.0, settings.WORK_LEASE_SECONDS / 5)  # seconds
LONGEST_WAIT = 1.0  # seconds between two tries

T = TypeVar("T")


def persist(write: Callable[[], T], *, patience: float = PATIENCE) -> T:
    """Do ``write``; if the database goes away under it, wait for it and do it once more.

    For what may be done twice, as nobody knows whether the first try was committed. Inside a
    transaction it is tried once. Raises the last of ``AWAY`` after ``patience`` seconds.
    """
    ends, wait = time.monotonic() + patience, 0.05
    while True:
        try:
            return write()
        except AWAY as exc:
            if connection.in_atomic_block or time.monotonic() + wait > ends:
                raise
            logger.warning("The database went away, trying again: %s", str(exc).strip())
        connection.close()
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)

"""What a server that was not stopped properly leaves behind."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import time
from pathlib import Path

from carousel.embedded.errors import EmbeddedError


def stop_stray_server(data: Path) -> None:
    """Make way in the PostgreSQL data folder `data` for a new server.

    A server that still runs there has lost its supervisor, for the caller holds the lock: it is
    stopped. A lock file that names some other process of ours would make PostgreSQL refuse to
    start, so it is removed. Raises EmbeddedError if a server there cannot be stopped.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if not _is_server_of(pid, data):
        lock.unlink(missing_ok=True)
        return
    for number, seconds in ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while _is_server_of(pid, data) and time.monotonic() < deadline:
            time.sleep(0.05)
    if _is_server_of(pid, data):
        raise EmbeddedError(f"a PostgreSQL (process {pid}) will not leave {data}: stop it by hand")


def _is_server_of(pid: int, data: Path) -> bool:
    """Whether process `pid` is a living PostgreSQL on this very data folder."""
    if platform.system() == "Linux":
        try:
            # A server makes its data folder the working directory.
            return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
        except OSError:
            return False
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "postgres" in listed.stdout and str(data) in listed.stdout

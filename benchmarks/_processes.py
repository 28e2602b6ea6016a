"""What processes cost, from /proc (Linux)."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += parents.get(parent, [])
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time that a process tree has used, by children that have ended, too."""
    ticks = 0
    for member in tree(pid):
        fields = _stat(member)
        ticks += sum(int(value) for value in fields[11:15]) if fields else 0
    return ticks / _TICK


def resident_bytes(pid: int) -> int:
    """Resident memory of a process tree, pages that they share counted for each of them."""
    total = 0
    for member in tree(pid):
        try:
            pages = (_PROC / str(member) / "statm").read_text().split()[1]
        except OSError:
            continue
        total += int(pages) * os.sysconf("SC_PAGE_SIZE")
    return total


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (proc(5)); none if it has ended."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


class Watch:
    """Measures a process tree while a block runs: ``cpu`` in seconds, ``peak`` in bytes, and the
    peak of each ``quarters`` of its time."""

    def __init__(self, pid: int, *, every: float = 1.0) -> None:
        self.cpu = 0.0
        self._seen: list[int] = []
        self._pid = pid
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @property
    def peak(self) -> int:
        return max(self._seen)

    @property
    def quarters(self) -> list[int]:
        count = len(self._seen)
        return [
            max(self._seen[start * count // 4 : max((start + 1) * count // 4, 1)] or [0])
            for start in range(4)
        ]

    def __enter__(self) -> Watch:
        self.cpu = -cpu_seconds(self._pid)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self.cpu += cpu_seconds(self._pid)

    def _look(self) -> None:
        while True:
            self._seen.append(resident_bytes(self._pid))
            if self._over.wait(self._every):
                return

"""What the logs of our processes say that a person at the terminal should know."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

TAIL_BYTES = 16_384
LINE_LIMIT = 300
AT_ONCE = 20  # lines of one log repeated per look; a flood stays in the file
_WARNS = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b")


def epitaph(name: str, exit_code: int | None, log: Path) -> str:
    """One line about a process that ended: name, exit code and the last words of its log."""
    words = last_words(log)
    if "No space left on device" in words:
        return f"{name} stopped because the disk is full: free some space for {log.parent.parent}"
    if exit_code == -signal.SIGKILL:
        return f"{name} was killed, by somebody or for want of memory (log: {log})"
    how = f"signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"code {exit_code}"
    return f"{name} ended with {how}: {words or 'it said nothing'} (log: {log})"


def last_words(log: Path, lines: int = 3) -> str:
    """The last non-empty lines of a log, joined by ` | `; errors are preferred to chatter."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    spoken = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in spoken[-40:] if "FATAL" in line or "rror" in line]
    return " | ".join((telling or spoken)[-lines:])


class Warnings:
    """Reads logs as they grow, and picks out the lines that warn."""

    def __init__(self) -> None:
        self._read: dict[Path, int] = {}

    def new_in(self, log: Path) -> Iterator[str]:
        """The warnings written to `log` since the last call, cut to one terminal line or two."""
        try:
            with log.open("rb") as file:
                size = file.seek(0, 2)
                start = self._read.get(log, 0)
                file.seek(start if start <= size else 0)
                text = file.read()
        except FileNotFoundError:
            return
        whole = text.rfind(b"\n") + 1
        self._read[log] = (start if start <= size else 0) + whole
        lines = text[:whole].decode("utf-8", "replace").splitlines()
        warnings = [line[:LINE_LIMIT] for line in lines if _WARNS.search(line[:LINE_LIMIT])]
        yield from warnings[:AT_ONCE]
        if len(warnings) > AT_ONCE:
            yield f"... and {len(warnings) - AT_ONCE} more in {log}"

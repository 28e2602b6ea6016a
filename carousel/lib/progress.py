"""How far a command has come: one line, redrawn on a terminal and now and then told to a log."""

from __future__ import annotations

import shutil
import time
from types import TracebackType
from typing import ClassVar, Protocol, Self

REDRAW = 0.1  # seconds between two looks of a terminal's line
LINE_EVERY = 15.0  # seconds between two lines where there is no terminal
BAR = 24  # characters
CLEAR = "\r\x1b[2K"


class Screen(Protocol):
    """Where the line goes: Django's wrapper around standard error, or a file."""

    def write(self, text: str, /) -> object:
        """Write as it is."""

    def flush(self) -> object:
        """Show what was written."""

    def isatty(self) -> bool:
        """Whether a person looks at it."""


class Progress:
    """One line about something under way; use it as a context manager.

    Short work stays silent where standard error is no terminal, and everything does if ``quiet``.
    """

    _shown: ClassVar[Progress | None] = None

    def __init__(
        self, screen: Screen, what: str, *, total: int | None = None, quiet: bool = False
    ) -> None:
        self.total = total
        self._screen, self._what, self._quiet = screen, what, quiet
        self._live = screen.isatty()
        self._began = time.monotonic()
        self._due = self._began + (0 if self._live else LINE_EVERY)

    def show(self, done: int | None = None, note: str = "") -> None:
        """Tell that ``done`` things are behind us, of ``total`` if that is known."""
        now = time.monotonic()
        if self._quiet or now < self._due:
            return
        line = self._line(done, note, now - self._began)
        if self._live:
            columns = shutil.get_terminal_size().columns
            self._screen.write(f"{CLEAR}{line[: columns - 1]}")
            Progress._shown = self
        else:
            self._screen.write(f"{line}\n")
        self._screen.flush()
        self._due = now + (REDRAW if self._live else LINE_EVERY)

    @classmethod
    def wipe(cls) -> None:
        """Take the line away, so that something else can be written; it comes back by itself."""
        if cls._shown is not None:
            shown, cls._shown = cls._shown, None
            shown._screen.write(CLEAR)
            shown._screen.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.wipe()

    def _line(self, done: int | None, note: str, seconds: float) -> str:
        parts = [self._what]
        if done is not None and self.total is not None:
            total = max(self.total, done)
            if self._live and total:
                full = BAR * done // total
                parts.append(f"[{'#' * full}{'.' * (BAR - full)}]")
            parts.append(f"{done}/{total}")
        elif done is not None:
            parts.append(str(done))
        if done and seconds >= 1:
            parts.append(f"{done / seconds:.1f}/s")
        return " ".join([*parts, note] if note else parts)

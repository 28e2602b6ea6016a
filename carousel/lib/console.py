"""What the management commands share: answers on standard output, all else on standard error.

A command ends with exit code 0, or with one line that says what happened and what to do. With
``--json`` its standard output is one JSON document and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, TypeVar

import redis
from django.core import checks
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from carousel import heartbeat
from carousel.lib.command_errors import broker_down, told
from carousel.lib.errors import UpstreamError
from carousel.lib.progress import Progress
from carousel.lib.stopping import ask_to_stop, stopping

STOPPED = 130  # the exit code of a program that Ctrl-C has ended
QUEUE_HELP = "start one with `make up` or `celery -A carousel worker -Q {0}`"


class Console:
    """Where a command's words go."""

    def __init__(self, out: OutputWrapper, err: OutputWrapper, options: Mapping[str, Any]) -> None:
        self.as_json: bool = options.get("json", False)
        self._verbosity: int = options.get("verbosity", 1)
        self._out, self._err = out, err

    def say(self, text: str = "") -> None:
        """A line of the answer for people."""
        if not self.as_json:
            Progress.wipe()
            self._out.write(text)

    def answer(self, document: Mapping[str, Any]) -> None:
        """The whole answer for machines."""
        if self.as_json:
            Progress.wipe()
            self._out.write(json.dumps(document))

    def warn(self, text: str) -> None:
        """Something that a person should know and that stops nothing."""
        if self._verbosity:
            Progress.wipe()
            self._err.write(f"Warning: {text}", style_func=str)

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Rows under their titles: the first column to the left, the others to the right."""
        cells = [list(titles), *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
        for first, *others in cells:
            aligned = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            self.say("  ".join([first.ljust(widths[0]), *aligned]).rstrip())

    def progress(self, what: str, total: int | None = None) -> Progress:
        """A line about something under way."""
        screen = _Raw(self._err)
        return Progress(screen, what, total=total, quiet=not self._verbosity)

    def workers(self, queue: str, *, alternative: str = "") -> str:
        """Whether anybody works on a queue: ``ok``, ``late``, ``missing`` or ``unknown``.

        Warns if nobody has been seen there. ``alternative`` says what else a person can do.
        """
        try:
            status = heartbeat.pulses()[queue].status
        except (redis.RedisError, OSError):
            self.warn(f"{broker_down()} Work is kept, and starts once it is back.")
            return "unknown"
        if status == "missing":
            ways = ", or ".join(filter(None, [QUEUE_HELP.format(queue), alternative]))
            self.warn(f"No worker has been seen on queue {queue}: {ways}.")
        return status


class _Raw:
    """Django's wrapper, without the line end and the colour that it adds."""

    def __init__(self, wrapper: OutputWrapper) -> None:
        self._wrapper = wrapper

    def write(self, text: str, /) -> None:
        self._wrapper.write(text, style_func=str, ending="")

    def flush(self) -> None:
        self._wrapper.flush()

    def isatty(self) -> bool:
        return self._wrapper.isatty()


class OneLineCommand(BaseCommand):
    """A command whose failures are one line, whatever goes wrong."""

    # Only whether the configuration can work.
    requires_system_checks: Any = ["carousel"]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return terse(super().create_parser(prog_name, subcommand, **kwargs))

    def check(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with what can't work, in one line."""
        found = checks.run_checks(tags=options.get("tags"))
        serious = [each for each in found if each.is_serious()]
        if serious:
            told = [f"{each.msg.rstrip('.')}. {each.hint or ''}".strip() for each in serious]
            raise CommandError(" ".join(told))

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            answer = super().execute(*args, **options)
            self.stdout.flush()
            return answer
        except BrokenPipeError:  # whoever read the answer has heard enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except KeyboardInterrupt as exc:
            raise CommandError("Stopped.", returncode=STOPPED) from exc
        except CommandError:
            raise
        except UpstreamError as exc:
            raise CommandError(self.explain(exc)) from exc
        except Exception as exc:
            raise told(exc) from exc

    def explain(self, exc: UpstreamError) -> str:
        """What an outside service's answer means to whoever typed the command."""
        return str(exc)


P = TypeVar("P", bound=ArgumentParser)


def terse(parser: P) -> P:
    """Let it say what is wrong in one line: all that would be right is what --help is for."""
    parser.print_usage = _nothing  # type: ignore[method-assign]
    return parser


def _nothing(file: object = None) -> None:
    """Print no usage."""


class ConsoleCommand(OneLineCommand):
    """A command that shows how far it is and takes ``--json``. ``run`` says what it does."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write JSON for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        with _quiet_logs(options["verbosity"]):
            self.run(Console(self.stdout, self.stderr, options), options)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        """Do it. Whatever this raises becomes the one line."""
        raise NotImplementedError


@contextlib.contextmanager
def finish_in_hand() -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the block after what is in hand, and the second at once.

    Raises CommandError at the end of the block if it was told to stop.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        ask_to_stop()
        signal.signal(number, signal.SIG_DFL)
        os.write(2, b"\nStopping after what is in hand; once more to stop at once.\n")

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
        if stopping():
            words = "Stopped before the end. What is left stays queued; the same command goes on."
            raise CommandError(words, returncode=STOPPED)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _quiet_logs(verbosity: int) -> Iterator[None]:
    """While a command speaks for itself, logs are for ``-v 2``.

    Trouble with what everything stands on (broker, limits) is told all the same, once each.
    """
    added = [(handler, _once_each(verbosity)) for handler in logging.getLogger().handlers]
    for handler, shown in added:
        handler.addFilter(shown)
    try:
        yield
    finally:
        for handler, shown in added:
            handler.removeFilter(shown)


def _once_each(verbosity: int) -> Callable[[logging.LogRecord], bool]:
    seen: set[str] = set()

    def shown(record: logging.LogRecord) -> bool:
        basic = record.levelno >= logging.WARNING and record.name.startswith("carousel.lib")
        if not (verbosity > 1 or (basic and verbosity and record.msg not in seen)):
            return False
        seen.add(str(record.msg))
        Progress.wipe()
        return True

    return shown

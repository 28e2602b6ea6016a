"""The command line of ``manage.py sandbox`` and ``python -m carousel.sandbox``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any

from carousel.sandbox import faults
from carousel.sandbox.server import Options, start

ENDS = frozenset((signal.SIGTERM, signal.SIGINT))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    usual = Options()
    parser.add_argument("--host", default=usual.host, help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=8090, help="0 takes any free port")
    parser.add_argument("--seed", type=int, default=usual.seed, help="which world")
    parser.add_argument("--profiles", type=int, default=usual.profiles, help="demo profiles")
    parser.add_argument("--credits", type=int, default=usual.credits, help="credits to begin with")
    parser.add_argument("--api-key", default="", help="the only right ScrapeCreators key")
    parser.add_argument("--now", type=float, help="epoch seconds: a clock that stands still")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--emoji-slides", action="store_true", help="draw a heart on every slide")
    parser.add_argument("--list-faults", action="store_true", help="print the faults and stop")


def run(chosen: dict[str, Any]) -> int:
    """Serve until SIGINT or SIGTERM; answers the exit code."""
    if chosen.get("list_faults"):
        sys.stdout.write(faults.table() + "\n")
        return 0
    if chosen["host"] not in ("127.0.0.1", "localhost", "::1"):
        sys.stderr.write(f"The sandbox listens on loopback only, not on {chosen['host']}.\n")
        return 2
    names = Options.__dataclass_fields__
    if not 0 <= chosen["port"] <= 65_535:
        sys.stderr.write(f"--port: write a number from 0 to 65535, not {chosen['port']}.\n")
        return 2
    options = Options(**{name: value for name, value in chosen.items() if name in names})
    # Blocked before there are other threads, and waited for: a handler would run only once the
    # main thread wakes up, which it misses if the signal comes just before it falls asleep.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        return _serve(options)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(options: Options) -> int:
    try:
        sandbox = start(options)
    except OSError as error:
        sys.stderr.write(
            f"The sandbox can't listen on {options.host}:{options.port} ({error.strerror}). "
            "Stop what uses the port, or choose another with --port.\n"
        )
        return 1
    with sandbox:
        sys.stdout.write(f"sandbox ready on {sandbox.url}\n")
        sys.stdout.flush()
        signal.sigwait(ENDS)
    return 0


def main(arguments: Sequence[str]) -> int:
    """Parse and serve."""
    parser = argparse.ArgumentParser("carousel.sandbox", description="Loopback stand-ins.")
    add_arguments(parser)
    return run(vars(parser.parse_args(arguments)))

"""Every way in which a command can fail, in one line that says what to do."""

from __future__ import annotations

import errno

import redis
from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error, InterfaceError, OperationalError, ProgrammingError

from carousel.lib.errors import NotNow
from carousel.lib.redaction import configured_redactor
from carousel.lib.reporting import report, was_reported
from carousel.lib.selection import NothingChosen

# What a person can do about a file that can't be read or written.
REMEDIES = {
    errno.ENOSPC: "Free some space, and try again.",
    errno.EDQUOT: "The quota is used up: free some space, and try again.",
    errno.EACCES: "Give this user access to it.",
    errno.EPERM: "Give this user access to it.",
    errno.EROFS: "It lies on a disk that can only be read: choose another place.",
    errno.EMFILE: "Too many files are open: raise the limit (ulimit -n).",
}


def told(exc: Exception) -> CommandError:
    """The error as a person should read it. A bug of ours goes to Sentry, too."""
    if isinstance(exc, NothingChosen):
        return CommandError(str(exc))
    if isinstance(exc, NotNow):
        return CommandError(f"{exc} Try again in {max(1, round(exc.wait))} s.")
    if isinstance(exc, (OperationalError, InterfaceError)):
        return CommandError(database_down(exc))
    if isinstance(exc, ProgrammingError) and _sqlstate(exc).startswith("42"):
        return CommandError(
            "The database is not up to date: run `manage.py migrate`, or `make up`, which does. "
            f"({_first_line(exc)})"
        )
    if isinstance(exc, redis.RedisError):
        return CommandError(broker_down())
    if isinstance(exc, OSError) and exc.errno in REMEDIES:
        what = f"{exc.filename or 'What is written'}: {exc.strerror}"
        return CommandError(f"{what}. {REMEDIES[exc.errno]}")
    if not was_reported(exc):
        report(exc)
    kind = "The database refuses" if isinstance(exc, Error) else "A bug in Carousel"
    return CommandError(
        f"{kind}: {type(exc).__name__}: {_first_line(exc)} (--traceback shows where)"
    )


def database_down(exc: Exception) -> str:
    """What to do about a database that can't be used. Names its address, never its password."""
    database = settings.DATABASES["default"]
    where = f"{database['HOST'] or 'localhost'}:{database['PORT'] or 5432}/{database['NAME']}"
    _, refused, why = str(exc).partition("FATAL:")
    if refused:
        return f"PostgreSQL at {where} refuses: {_line(why)}. Check DATABASE_URL."
    if settings.EMBEDDED_DATABASE:
        remedy = "start it with `make up` or set DATABASE_URL"
    else:
        remedy = "start it, or correct DATABASE_URL (without it, `make up` brings its own)"
    return f"PostgreSQL does not answer at {where}: {remedy}."


def broker_down() -> str:
    """What to do about a Redis that can't be reached."""
    remedy = "start it with `make up` or set REDIS_URL"
    if not settings.EMBEDDED_REDIS:
        remedy = "start it, or correct REDIS_URL (without it, `make up` brings its own)"
    where = configured_redactor().text(settings.REDIS_URL.partition("?")[0])
    return f"Redis does not answer at {where}: {remedy}."


def _sqlstate(exc: Exception) -> str:
    return str(getattr(exc.__cause__, "sqlstate", None) or "")


def _first_line(exc: Exception) -> str:
    return configured_redactor().text(_line(str(exc)) or "no message")


def _line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else ""

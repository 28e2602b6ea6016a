"""The environment, read once and checked at start-up: a value that can't work stops the process.

Every reader names the variable in its message and never prints a secret's value.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

# A server that is gone without a word is noticed within half a minute (libpq's connection
# parameters; on a Unix socket they mean nothing). Left alone, Linux waits for two hours.
_NOTICE_LOSS = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def load_file(path: Path) -> None:
    """Read ``NAME=value`` lines into the environment; what is set there already wins."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ImproperlyConfigured(f"{path.name}, line {number}: write NAME=value")
        os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def text(name: str, default: str = "") -> str:
    """The variable, without spaces at its ends; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """True or False, written just so (1, 0, yes and no are accepted too)."""
    value = text(name, str(default)).lower()
    if value in ("true", "1", "yes", "on"):
        return True
    if value in ("false", "0", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name}: write True or False, not {value!r}")


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """A whole number within bounds, both included."""
    value = text(name, str(default))
    try:
        parsed = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}: write a whole number, not {value!r}") from None
    if not least <= parsed <= most:
        raise ImproperlyConfigured(f"{name}: must be from {least} to {most}, not {parsed}")
    return parsed


def budget(name: str) -> int | None:
    """A whole number, 0 included; None, for no bound, if unset."""
    return number(name, 0) if text(name) else None


def fraction(name: str, default: float) -> float:
    """A number from 0 to 1."""
    value = text(name, str(default))
    try:
        parsed = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}: write a number, not {value!r}") from None
    if not 0 <= parsed <= 1:
        raise ImproperlyConfigured(f"{name}: must be from 0 to 1, not {value}")
    return parsed


def dollars(name: str) -> Decimal | None:
    """An amount of money, more than nothing; None if unset."""
    value = text(name)
    if not value:
        return None
    try:
        parsed = Decimal(value.removeprefix("$"))
        sensible = 0 < parsed < 1_000_000
    except ArithmeticError:
        raise ImproperlyConfigured(
            f"{name}: write an amount, such as 2.50, not {value!r}"
        ) from None
    if not sensible:
        raise ImproperlyConfigured(f"{name}: must be more than 0 and below 1000000, not {value}")
    return parsed


def rate(name: str, default: str) -> str:
    """A number per second, minute, hour or day, such as ``6000/min``."""
    value = text(name, default)
    if not re.fullmatch(r"[1-9]\d{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)", value):
        raise ImproperlyConfigured(f"{name}: write a number per s, min, hour or day: 6000/min")
    return value


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    """One of a few words."""
    value = text(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name}: must be one of {', '.join(among)}, not {value!r}")
    return value


def words(name: str, default: str = "") -> tuple[str, ...]:
    """Words separated by commas."""
    return tuple(word.strip() for word in text(name, default).split(",") if word.strip())


def url(name: str, default: str = "", *, schemes: tuple[str, ...] = ("https", "http")) -> str:
    """An address with one of ``schemes``, without a slash at its end."""
    value = text(name, default)
    if value and value.partition("://")[0] not in schemes:
        allowed = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name}: must begin with {allowed}")
    return value.rstrip("/")


def redis_url(name: str, default: str) -> str:
    """The address of a Redis, as its client takes it."""
    address = url(name, default, schemes=("redis", "rediss", "unix"))
    try:
        parse_url(address)  # type: ignore[no-untyped-call]
    except ValueError:
        raise ImproperlyConfigured(f"{name}: write redis://:password@host:port/0") from None
    return address


def database(name: str, address: str) -> dict[str, Any]:
    """Django's settings for the PostgreSQL at ``address``, which the variable ``name`` gave."""
    try:
        info = conninfo_to_dict(address)
    except ProgrammingError:
        raise ImproperlyConfigured(
            f"{name}: write postgresql://user:password@host:port/name"
        ) from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": info.pop("dbname", None) or "carousel",
        "USER": info.pop("user", None) or "",
        "PASSWORD": info.pop("password", None) or "",
        "HOST": info.pop("host", None) or "",
        "PORT": info.pop("port", None) or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, **_NOTICE_LOSS, **info},
    }


def sentry_dsn(name: str) -> str:
    """Where errors go: ``https://key@host/project``, or nothing."""
    value = text(name)
    try:
        parts = urlsplit(value)
        good = bool(parts.hostname and parts.username) and parts.scheme in ("https", "http")
        good = good and parts.path.rpartition("/")[2].isdecimal() and parts.port != 0
    except ValueError:
        good = False
    if value and not good:
        raise ImproperlyConfigured(f"{name}: write https://key@host/project, as Sentry shows it")
    return value


def together(values: Mapping[str, str]) -> bool:
    """True if all of a service's variables are set, False if none is.

    A half-configured service raises ImproperlyConfigured that names what is missing.
    """
    missing = [name for name, value in values.items() if not value]
    if not missing:
        return True
    if len(missing) == len(values):
        return False
    present = [name for name in values if name not in missing]
    raise ImproperlyConfigured(
        f"{', '.join(present)} is set but {', '.join(missing)} is not: set all of them or none"
    )


def needs(name: str, value: str, other: str, other_value: str) -> None:
    """``name`` makes no sense without ``other``; raises ImproperlyConfigured."""
    if value and not other_value:
        raise ImproperlyConfigured(f"{name} is set but {other} is not: set both or none")


def checkout_secret(folder: Path) -> str:
    """A random key kept in ``folder`` with mode 0600: made once, the same for every process.

    For development, where no SECRET_KEY is set.
    """
    path = folder / "secret-key"
    try:
        if not path.exists():
            _make_secret(path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{error.filename or path}: {error.strerror}. Give this user a {folder} that can be "
            "written and read, or set SECRET_KEY"
        ) from None


def _make_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret-key-{os.getpid()}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(secrets.token_urlsafe(50))
        # Of several processes that get here at once one wins, and all read the winner's.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()

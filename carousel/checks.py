"""System checks: settings that parse, each by itself, but can't work.

Values that can't even be parsed stop the process in ``carousel.settings``. Checks that matter
only in production run with ``manage.py check --deploy``.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags
from django.core.checks import Warning as Caution

from carousel.lib.work import Work

CARRIERS = ("R2_ENDPOINT_URL", "SCRAPECREATORS_BASE_URL", "GEMINI_BASE_URL")


def register() -> None:
    """Make ``manage.py check`` run these."""
    for check in (keys_travel_encrypted, media_hosts, media_root, limits_nest, rows_have_queues):
        checks.register(check, "carousel")
    for check in (secret_key, debug, hosts, loopback, https, fault_points, stand_ins):
        checks.register(check, Tags.security, deploy=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# --- Always --------------------------------------------------------------------------------


def keys_travel_encrypted(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A service that gets a key of ours over the network is reached by https."""
    found: list[CheckMessage] = []
    for name in CARRIERS:
        parts = urlsplit(getattr(settings, name))
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            hint = "Write https://, or use an address on this machine."
            what = f"{name} is http, so its key would cross the network readable."
            found.append(Error(what, hint=hint, id="carousel.E001"))
    return found


def media_hosts(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Each entry of MEDIA_ALLOWED_HOSTS is a host name or, with a dot before it, a suffix."""
    found: list[CheckMessage] = []
    for host in settings.MEDIA_ALLOWED_HOSTS:
        bare = host.removeprefix(".")
        if set(bare) & set("*/: ") and not _is_loopback(bare):
            what = f"MEDIA_ALLOWED_HOSTS: {host!r} matches nothing."
            hint = "Write example.com for one host, .example.com for every host below it."
            found.append(Error(what, hint=hint, id="carousel.E002"))
        elif "." not in bare and not _is_loopback(bare):
            what = f"MEDIA_ALLOWED_HOSTS: {host!r} would allow a whole top-level domain."
            found.append(Error(what, hint="Name hosts you trust.", id="carousel.E003"))
    if not settings.MEDIA_ALLOWED_HOSTS:
        what = "MEDIA_ALLOWED_HOSTS is empty: nothing could be downloaded."
        found.append(Error(what, id="carousel.E002"))
    return found


def media_root(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Files can be written where they are to be kept."""
    if settings.USE_S3:
        return []
    folder = Path(settings.MEDIA_ROOT)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return []
    what = f"MEDIA_ROOT can't be written: {settings.MEDIA_ROOT}"
    hint = f"Give this process access to {folder}, or set MEDIA_ROOT to another folder."
    return [Error(what, hint=hint, id="carousel.E004")]


def limits_nest(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Slice < HTTP timeout < soft limit < hard limit < lease < visibility timeout, in seconds."""
    steps: list[tuple[str, float]] = [
        ("WORK_SLICE_SECONDS", settings.WORK_SLICE_SECONDS),
        ("HTTP_TIMEOUT", settings.HTTP_TIMEOUT),
        ("CELERY_TASK_SOFT_TIME_LIMIT", settings.CELERY_TASK_SOFT_TIME_LIMIT),
        ("CELERY_TASK_TIME_LIMIT", settings.CELERY_TASK_TIME_LIMIT),
        ("the shortest lease", min(m.LEASE.total_seconds() for m in _work_models())),
        ("the broker's visibility_timeout", settings.BROKER_VISIBILITY_SECONDS),
    ]
    media = ("MEDIA_TIMEOUT_SECONDS", settings.MEDIA_TIMEOUT_SECONDS)
    pairs = [(media, steps[2]), *pairwise(steps)]
    return [
        Error(
            f"{low} ({low_seconds:g} s) must be shorter than {high} ({high_seconds:g} s).",
            hint="Otherwise work is given to a second worker while the first is still at it.",
            id="carousel.E005",
        )
        for (low, low_seconds), (high, high_seconds) in pairs
        if low_seconds >= high_seconds
    ]


def rows_have_queues(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Each kind of work row has a queue that workers listen to, and its task is routed there."""
    routes = settings.CELERY_TASK_ROUTES
    return [
        Error(
            f"{model._meta.label}: no worker would ever get its messages.",
            hint=f"Put {model.QUEUE!r} into QUEUES and route {model.TASK} to it.",
            id="carousel.E006",
        )
        for model in _work_models()
        if model.QUEUE not in settings.QUEUES
        or routes.get(model.TASK, {}).get("queue") != model.QUEUE
    ]


def _work_models() -> Iterable[type[Work]]:
    return [model for model in apps.get_models() if issubclass(model, Work)]


# --- In production -------------------------------------------------------------------------


def secret_key(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Sessions and links are signed with a key that every machine of the installation shares."""
    if not settings.SECRET_KEY_IS_GENERATED:
        return []
    what = "SECRET_KEY is not set: this checkout uses a key that it made for itself."
    hint = "Set SECRET_KEY to 50 or more random characters, the same on every machine."
    return [Error(what, hint=hint, id="carousel.E010")]


def debug(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Nobody outside sees a traceback."""
    if not settings.DEBUG:
        return []
    what = "DEBUG is on: errors would show settings and code to anybody."
    return [Error(what, hint="Unset DEBUG.", id="carousel.E011")]


def hosts(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The site has a name, and answers to no other."""
    names = settings.ALLOWED_HOSTS
    if "*" in names:
        what = "ALLOWED_HOSTS contains *: anybody can make the site believe it has another name."
        return [Error(what, hint="Name your hosts.", id="carousel.E012")]
    if all(_is_loopback(name.strip("[]")) for name in names):
        what = "ALLOWED_HOSTS names only this machine: requests from outside would get 400."
        hint = "Set ALLOWED_HOSTS to the names people use, separated by commas."
        return [Error(what, hint=hint, id="carousel.E012")]
    return []


def loopback(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A link from outside can't make a worker read what listens on this machine."""
    if not settings.MEDIA_ALLOW_LOOPBACK:
        return []
    what = "MEDIA_ALLOW_LOOPBACK is on: a hostile link could read services on this machine."
    hint = "Set MEDIA_ALLOW_LOOPBACK=False (it is on by itself only with the sandbox)."
    return [Error(what, hint=hint, id="carousel.E013")]


def https(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Passwords and tokens arrive encrypted."""
    if settings.HTTPS:
        return []
    what = "HTTPS is off: passwords, tokens and sessions would cross the network readable."
    hint = "Put a proxy that ends TLS and sets X-Forwarded-Proto in front, then HTTPS=True."
    return [Caution(what, hint=hint, id="carousel.W014")]


def fault_points(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Nothing kills our processes on purpose."""
    if not settings.DIE_AT:
        return []
    what = "CAROUSEL_DIE_AT is set: processes die where the files in that folder say."
    return [Error(what, hint="Unset it: it is for tests.", id="carousel.E017")]


def stand_ins(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """What is meant for a developer's machine is said aloud where it runs elsewhere."""
    found: list[CheckMessage] = []
    if settings.USE_SANDBOX:
        what = "SCRAPECREATORS_API_KEY is not set: profiles come from the sandbox's made-up world."
        hint = "Set the key from your ScrapeCreators account."
        found.append(Caution(what, hint=hint, id="carousel.W015"))
    if settings.EMBEDDED_DATABASE or settings.EMBEDDED_REDIS:
        what = "DATABASE_URL or REDIS_URL is not set: embedded servers hold the data."
        hint = "Set both to servers that are backed up and that every machine reaches."
        found.append(Caution(what, hint=hint, id="carousel.W016"))
    return found

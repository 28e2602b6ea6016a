"""What `manage.py` does before Django takes over."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from django.conf import settings

from carousel.embedded.client import ensure_running
from carousel.embedded.errors import EmbeddedError

# These need no server, or (`up`, `demo`) bring them up themselves and say so.
WITHOUT_SERVICES = frozenset(
    {
        "check",
        "collectstatic",
        "compilemessages",
        "demo",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "sandbox",
        "spectacular",
        "startapp",
        "startproject",
        "up",
        "version",
    }
)


def needs_services(argv: Sequence[str]) -> bool:
    """Whether the command in `argv` (program, command, arguments) talks to the servers."""
    words = list(argv[1:])
    if not words or words[0].startswith("-") or {"-h", "--help"} & set(words):
        return False
    return words[0] not in WITHOUT_SERVICES or "--database" in words


def ensure_services(argv: Sequence[str]) -> None:
    """Start the embedded servers that the command in `argv` needs and that do not run yet.

    Ends the process with one clear line and exit code 1 if they can't run.
    """
    if not needs_services(argv):
        return
    try:
        ensure_running(
            settings.BASE_DIR,
            database=settings.EMBEDDED_DATABASE,
            redis=settings.EMBEDDED_REDIS,
        )
    except EmbeddedError as error:
        sys.exit(str(error))

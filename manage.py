#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carousel.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError
    except ImportError:
        sys.exit("carousel: the packages are not here: run `make up` once, or .venv/bin/python")

    from carousel.embedded.command_line import ensure_services

    try:
        ensure_services(sys.argv)
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"carousel: {error}")
    except OperationalError as error:  # from Django's own commands, such as migrate
        if "--traceback" in sys.argv:
            raise
        from carousel.lib.command_errors import database_down

        sys.exit(f"carousel: {database_down(error)}")


if __name__ == "__main__":
    main()

"""``manage.py sandbox``: stand-ins for ScrapeCreators, TikTok's CDN and Gemini on loopback."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from carousel.lib.console import OneLineCommand
from carousel.sandbox import cli


class Command(OneLineCommand):
    """Serves until Ctrl-C or SIGTERM."""

    help = "Serve loopback stand-ins for ScrapeCreators, TikTok's CDN and Gemini."
    requires_system_checks = ()  # it has no part in the product

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The sandbox's own options."""
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; the exit code says how it ended."""
        sys.exit(cli.run(options))

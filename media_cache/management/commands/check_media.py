"""``manage.py check_media``: whether the storage holds what the rows say, and nothing else."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from media_cache.models import CacheAsset
from media_cache.services.check import Options, Report, check_media

TITLES = {
    "missing": "rows whose object is missing",
    "wrong_size": "rows with a wrong size",
    "wrong_checksum": "objects with other bytes than they should have",
    "orphaned": "objects that no row points to",
    "foreign": "objects with foreign names (left alone)",
    "unfinished_uploads": "uploads that were never finished",
}


class Command(ConsoleCommand):
    help = (
        "Compare rows with the storage both ways: missing, wrong size, orphaned; with --deep also "
        "checksums. --repair fetches again what is lost, fixes sizes and removes orphans."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--deep", action="store_true", help="read every object, too")
        parser.add_argument("--repair", action="store_true", help="mend what is found")
        parser.add_argument(
            "--grace",
            type=float,
            default=1.0,
            metavar="HOURS",
            help="younger objects without a row are not orphaned (default: 1)",
        )
        parser.add_argument(
            "--all-orphans",
            action="store_true",
            help="remove orphans even if they are more than half of all objects",
        )

    def run(self, console: Console, options: dict[str, Any]) -> None:
        if options["grace"] < 0:
            raise CommandError("--grace must be 0 or more.")
        chosen = Options(
            deep=options["deep"],
            repair=options["repair"],
            grace=timedelta(hours=options["grace"]),
            most_orphans=1.0 if options["all_orphans"] else 0.5,
        )
        began = time.monotonic()
        total = CacheAsset.objects.exclude(sha256="").exclude(storage_key="").count()
        with finish_in_hand(), console.progress("Checking files", total) as progress:
            report = check_media(
                chosen, lambda so_far: progress.show(so_far.rows, f"{so_far.problems} problems")
            )
            _tell(console, report, chosen, time.monotonic() - began)
        if report.too_many_orphans:
            raise CommandError(
                f"{report.orphaned} of {report.objects} objects are orphaned. They were left alone,"
                " as this looks like somebody else's bucket; if it isn't, add --all-orphans."
            )
        if report.problems and not chosen.repair:
            raise CommandError(f"{report.problems} problems; --repair mends them.")


def _tell(console: Console, report: Report, chosen: Options, seconds: float) -> None:
    console.say(
        f"{report.rows} rows, {report.objects} objects, {filesizeformat(report.bytes)}, "
        f"in {seconds:.1f} s"
    )
    facts = asdict(report)
    for name, title in TITLES.items():
        if facts[name]:
            console.say(f"{facts[name]:>8}  {title}")
    for example in report.examples:
        console.say(f"          {example}")
    if chosen.repair:
        console.say(
            f"Repaired: {report.requeued} files queued again, {report.sizes_fixed} sizes fixed, "
            f"{report.orphans_removed} orphans removed."
        )
    elif not report.problems:
        console.say("All is as it should be.")
    document = {_camel(name): value for name, value in facts.items()}
    document |= {"problems": report.problems, "deep": chosen.deep, "repair": chosen.repair}
    console.answer({**document, "seconds": round(seconds, 1)})


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)

"""``manage.py import_profiles FILE``: many accounts at once, from a list in any form."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from carousel.lib.stopping import stopping
from tiktok.management.explaining import explained, shown_wait
from tiktok.models import ProfileImport, ProfileMonitoringLog
from tiktok.services import queue_profiles
from tiktok.services.adding_many import Outcome, add_each
from tiktok.services.importing import (
    Entry,
    ImportPreview,
    classify,
    decode,
    preview_answer,
)

Json = dict[str, Any]
LISTED = 20  # lines of each kind that are shown; --json has all


class Command(ConsoleCommand):
    help = (
        "Add the profiles of a list: handles or links in any spelling, one per line or as CSV. "
        "Tells what is new, known, named twice or malformed, then adds what is new. May be "
        "interrupted: the same command goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", help="the list; - for standard input")
        parser.add_argument("--own", action="store_true", help="these are profiles of your own")
        parser.add_argument(
            "--monitor",
            action=argparse.BooleanOptionalAction,
            help="check the new ones regularly from now on, or not",
        )
        parser.add_argument(
            "--queue", action="store_true", help="leave the adding to the workers, as a backlog"
        )
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")

    def run(self, console: Console, options: Json) -> None:
        preview = classify(_lines(options["file"]))
        if not preview.total:
            raise CommandError(f"{options['file']} names no profile: it is empty.")
        _tell(console, preview)
        if len(preview.malformed) == preview.total:
            first = preview.malformed[0]
            raise CommandError(f"No line names a profile. Line {first.line}: {first.reason}")
        document: Json = {"preview": preview_answer(preview), "dryRun": options["dry_run"]}
        if options["dry_run"]:
            console.answer(document)
            return
        if options["queue"]:
            self._queue(console, preview, document, options)
            return
        with finish_in_hand():
            outcomes = self._add(console, preview.new, options)
            added = [outcome.added for outcome in outcomes if outcome.added]
            failed = _failures(preview.new, outcomes)
            left = len(preview.new) - len(outcomes) + sum(each.is_last for each in outcomes)
            console.say(f"{len(added)} added, {len(failed)} failed, {left} left.")
            for failure in failed[:LISTED]:
                console.say(f"line {failure['line']}: @{failure['handle']}: {failure['error']}")
            if any(each.run for each in added):
                console.workers(ProfileMonitoringLog.QUEUE)
            console.answer(document | {"added": len(added), "failed": failed, "left": left})
            if failed and not stopping():
                raise CommandError(_failure(outcomes, failed, len(preview.new), left))

    def _queue(
        self, console: Console, preview: ImportPreview, document: Json, options: Json
    ) -> None:
        handles = [entry.handle for entry in preview.new]
        monitoring = options["monitor"]
        queued = queue_profiles(handles, is_own_profile=options["own"], monitoring=monitoring)
        waiting = len(handles) - len(queued)
        console.say(f"{len(queued)} queued, {waiting} had been before.")
        console.workers(ProfileImport.QUEUE)
        console.answer(document | {"queued": len(queued), "waiting": waiting})

    def _add(self, console: Console, new: list[Entry], options: Json) -> list[Outcome]:
        outcomes: list[Outcome] = []
        posts = failed = 0
        with console.progress("Adding profiles", len(new)) as progress:
            adding = add_each(
                [entry.handle for entry in new],
                shown_wait(progress, lambda: len(outcomes)),
                is_own_profile=options["own"],
                monitoring=options["monitor"],
            )
            for outcome in adding:
                outcomes.append(outcome)
                posts += outcome.added.posts_created if outcome.added else 0
                failed += outcome.added is None
                progress.show(len(outcomes), f"{posts} posts, {failed} failed, @{outcome.text}")
        return outcomes


def _lines(file: str) -> list[str]:
    """The list's lines. Raises CommandError for what can't be read."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = decode(raw)
    except OSError as exc:
        words = f"{file}: {exc.strerror}. Name a text or CSV file, or - for standard input."
        raise CommandError(words) from exc
    except ValueError as exc:
        raise CommandError(f"{file}: {exc}") from exc
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _tell(console: Console, preview: ImportPreview) -> None:
    counts = [
        f"{len(preview.new)} new",
        f"{len(preview.known)} known",
        f"{len(preview.duplicates)} named twice",
        f"{len(preview.malformed)} malformed",
    ]
    console.say(f"{preview.total} entries: {', '.join(counts)}")
    for malformed in preview.malformed[:LISTED]:
        console.say(f"line {malformed.line}: {malformed.reason}")
    for duplicate in preview.duplicates[:LISTED]:
        entry = duplicate.entry
        console.say(f"line {entry.line}: @{entry.handle} is on line {duplicate.first_line} already")
    more = max(len(preview.malformed) - LISTED, 0) + max(len(preview.duplicates) - LISTED, 0)
    if more:
        console.say(f"and {more} lines more (--json tells all)")


def _failures(new: list[Entry], outcomes: list[Outcome]) -> list[Json]:
    return [
        {
            "line": entry.line,
            "handle": entry.handle,
            "error": explained(outcome.code, outcome.error),
            "errorCode": outcome.code,
        }
        for entry, outcome in zip(new, outcomes, strict=False)
        if outcome.added is None
    ]


def _failure(outcomes: list[Outcome], failed: list[Json], total: int, left: int) -> str:
    if outcomes[-1].is_last:
        reason = failed[-1]["error"]
        return f"{reason} {left} of {total} are left: the same command goes on with them."
    first = failed[0]
    return f"{len(failed)} of {total} could not be added. Line {first['line']}: {first['error']}"

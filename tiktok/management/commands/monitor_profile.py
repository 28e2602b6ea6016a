"""``manage.py monitor_profile``: look at profiles again, now or as soon as a worker is free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from carousel.lib.foreground import due_slices, slices
from carousel.lib.stopping import stopping
from tiktok.management.runs import follow, run_answer, trouble
from tiktok.models import ProfileMonitoringLog, TikTokProfile, Trigger
from tiktok.services import plan_due_runs, trigger_run
from tiktok.services.completeness import summary
from tiktok.services.finding import find_profile

Json = dict[str, Any]
TOTALS = ("posts_created", "pages_scraped", "credits_charged")
LISTED = 20  # runs; of more than these only the troubled ones are shown


class Command(ConsoleCommand):
    help = "Open monitoring runs for profiles; with --now work on them in this process."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("handles", nargs="*", metavar="HANDLE", help="@handle, link or id")
        parser.add_argument("--all", action="store_true", help="every profile")
        parser.add_argument("--all-due", action="store_true", help="those whose time has come")
        parser.add_argument(
            "--force-recache", action="store_true", help="fetch all of their files again, too"
        )
        parser.add_argument("--now", action="store_true", help="do it here and show how it goes")

    def run(self, console: Console, options: Json) -> None:
        _check(options)
        profiles = [find_profile(text) for text in dict.fromkeys(options["handles"])]
        with finish_in_hand():
            if options["all_due"]:
                self._due(console, now=options["now"])
                return
            if options["all"]:
                profiles = list(TikTokProfile.objects.only("handle", "tiktok_user_id"))
            runs, opened = self._trigger(console, profiles, options["force_recache"])
            if options["now"]:
                follow(console, slices(runs), "Monitoring", len(runs))
            self._report(console, runs, opened=opened, now=options["now"])

    def _due(self, console: Console, *, now: bool) -> None:
        opened = 0
        while planned := plan_due_runs():
            opened += planned
        runs: dict[UUID, None] = {}
        if now:
            due = ProfileMonitoringLog.objects.all()
            follow(console, _noted(due_slices(due), runs), "Monitoring", due.due().count())
        self._report(console, list(runs), opened=opened, now=now)

    def _trigger(
        self, console: Console, profiles: list[TikTokProfile], force: bool
    ) -> tuple[list[UUID], int]:
        runs, opened = [], 0
        with console.progress("Opening runs", len(profiles)) as progress:
            for profile in profiles:
                if stopping():
                    break
                run, created = trigger_run(profile, trigger=Trigger.MANUAL, force_recache=force)
                runs.append(run.pk)
                opened += created
                progress.show(len(runs), str(profile))
        return runs, opened

    def _report(self, console: Console, runs: list[UUID], *, opened: int, now: bool) -> None:
        queue = ProfileMonitoringLog.QUEUE
        rows = _rows(runs) if now or console.as_json else []
        workers = None
        if now:
            self._tell(console, rows)
        else:
            known = f"{len(runs) - opened} were open already"
            told = f"{opened} runs opened, {known}. A worker on queue {queue} takes them."
            console.say(told if runs else "There is nothing to check.")
            workers = console.workers(queue, alternative="use --now")
        troubled = [words for run in rows if (words := trouble(run))] if now else []
        console.answer(
            {
                "opened": opened,
                "queue": queue,
                "workers": workers,
                "runs": [run_answer(run) for run in rows],
                "failed": len(troubled),
            }
        )
        if troubled and not stopping():
            which = f"{len(troubled)} of {len(rows)} runs: " if len(rows) > 1 else ""
            raise CommandError(f"{which}{troubled[0]}")

    def _tell(self, console: Console, runs: list[ProfileMonitoringLog]) -> None:
        shown = runs if len(runs) <= LISTED else [run for run in runs if trouble(run)][:LISTED]
        titles = ("profile", "run", "pages", "new", "updated", "credits", "what it got")
        console.table(titles, [_cells(run) for run in shown])
        new, pages, credits = (sum(getattr(run, name) for run in runs) for name in TOTALS)
        console.say(f"{len(runs)} runs: {new} new posts on {pages} pages for {credits} credits")


def _check(options: Json) -> None:
    chosen = [bool(options[name]) for name in ("handles", "all", "all_due")]
    if sum(chosen) != 1:
        raise CommandError("Name profiles, or use --all or --all-due: one of the three.")
    if options["force_recache"] and options["all_due"]:
        raise CommandError("--force-recache goes with named profiles or --all, not with --all-due.")


def _noted(chosen: Iterable[list[UUID]], notes: dict[UUID, None]) -> Iterator[list[UUID]]:
    for ids in chosen:
        notes |= dict.fromkeys(ids)
        yield ids


def _rows(ids: list[UUID]) -> list[ProfileMonitoringLog]:
    rows = ProfileMonitoringLog.objects.select_related("profile")
    found = [run for some in slices(ids) for run in rows.filter(pk__in=some)]
    return sorted(found, key=lambda run: str(run.profile))


def _cells(run: ProfileMonitoringLog) -> list[object]:
    return [
        *(run.profile, run.status, run.pages_scraped, run.posts_created, run.posts_updated),
        *(run.credits_charged, summary(run, timezone.now())),
    ]

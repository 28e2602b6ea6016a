"""``manage.py cache_media``: how far the files are, and a hand with them."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.db.models import Count, QuerySet

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from carousel.lib.drain import wake
from carousel.lib.foreground import Tally, due_slices, slices, work_through
from carousel.lib.selection import choose, selectors
from carousel.lib.stopping import stopping
from carousel.lib.work import OPEN, Status, WorkQuerySet
from media_cache.models import CacheAsset, Kind
from media_cache.services import FLOW

Json = dict[str, Any]
Assets = WorkQuerySet[CacheAsset]


class Command(ConsoleCommand):
    help = (
        "Show how many files are stored, waiting and failed; queue failed ones again; with --now "
        "store what is due in this process."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--retry-failed", action="store_true", help="queue failed ones again")
        parser.add_argument("--code", help="only those that failed with this code")
        for selector in selectors(CacheAsset):
            parser.add_argument(
                f"--{selector.option}",
                action="append",
                metavar=selector.metavar,
                help=f"only {selector.help} (may be repeated)",
            )
        parser.add_argument("--kind", choices=Kind.values, help="only files of this kind")
        parser.add_argument("--limit", type=int, metavar="N", help="so many files at most")
        parser.add_argument("--now", action="store_true", help="do it here and show how it goes")

    def run(self, console: Console, options: Json) -> None:
        _check(options)
        rows, limit = _chosen(options), options["limit"]
        with finish_in_hand():
            requeued = _retry(rows, options["code"], limit) if options["retry_failed"] else None
            began = time.monotonic()
            tally = self._store(console, rows, limit) if options["now"] else None
            document: Json = {"requeued": requeued, "worked": None, "workers": None}
            if requeued is not None:
                console.say(f"{requeued} failed files are queued again.")
            if tally is not None:
                document["worked"] = _worked(tally, time.monotonic() - began)
                console.say(_told(document["worked"]))
            document["assets"] = self._states(console, rows)
            if tally is None and rows.filter(status__in=OPEN).exists():
                console.say(f"Open ones are for a worker on queue {CacheAsset.QUEUE}.")
                document["workers"] = console.workers(CacheAsset.QUEUE, alternative="use --now")
            console.answer(document)
            if tally is not None and not stopping():
                _complain(tally, rows)

    def _store(self, console: Console, rows: Assets, limit: int | None) -> Tally:
        due = rows.due().count()
        total = due if limit is None else min(due, limit)
        with console.progress("Storing files", total) as progress:
            progress.show(0)
            chosen = due_slices(rows, limit)
            return work_through(
                FLOW, chosen, lambda tally: progress.show(tally.ended, tally.describe())
            )

    def _states(self, console: Console, rows: Assets) -> Json:
        """How many files of each kind are in each state, shown and returned."""
        counted = rows.order_by().values_list("kind", "status").annotate(n=Count("pk"))
        numbers = {(kind, status): n for kind, status, n in counted}
        kinds = [kind for kind in Kind.values if any(key[0] == kind for key in numbers)]
        table = {
            k: {status: numbers.get((k, status), 0) for status in Status.values} for k in kinds
        }
        sums = {status: sum(table[k][status] for k in kinds) for status in Status.values}
        lines = [[kind, *row.values()] for kind, row in (*table.items(), ("all", sums))]
        console.table(["kind", *Status.values], lines)
        failed = rows.filter(status=Status.FAILED).order_by().values_list("error_code")
        codes = dict(failed.annotate(n=Count("pk")).order_by("-n", "error_code"))
        if codes:
            console.say("failed: " + ", ".join(f"{code} {n}" for code, n in codes.items()))
        return {"byKind": table, "total": sums, "failedByCode": codes}


def _check(options: Json) -> None:
    if options["code"] and not options["retry_failed"]:
        raise CommandError("--code says which failed files: use it with --retry-failed.")
    if options["limit"] is not None and options["limit"] < 1:
        raise CommandError("--limit must be 1 or more.")


def _chosen(options: Json) -> Assets:
    """The files that the options name. Raises NothingChosen."""
    rows: Assets = CacheAsset.objects.all()
    ids = choose(CacheAsset, options)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    return rows.filter(kind=options["kind"]) if options["kind"] else rows


def _retry(rows: Assets, code: str | None, limit: int | None) -> int:
    """Queue failed files again, the newest first. Returns how many."""
    failed: QuerySet[CacheAsset] = rows.filter(status=Status.FAILED)
    if code:
        failed = failed.filter(error_code=code)
    ids: list[UUID] = list(
        failed.order_by("-created_at", "pk").values_list("pk", flat=True)[:limit]
    )
    queued = 0
    for some in slices(ids):
        with transaction.atomic():
            again: Assets = CacheAsset.objects.filter(pk__in=some, status=Status.FAILED)
            queued += again.requeue()
            wake(CacheAsset, some)
    return queued


def _worked(tally: Tally, seconds: float) -> Json:
    return {
        "stored": tally.number(Status.COMPLETED),
        "failed": tally.number(Status.FAILED),
        "waitingForLinks": tally.number(Status.BLOCKED),
        "left": tally.number(*OPEN),
        "failedByCode": tally.codes(),
        "seconds": round(seconds, 1),
    }


def _told(worked: Json) -> str:
    words = [f"{worked['stored']} files stored in {worked['seconds']} s"]
    if worked["failed"]:
        words.append(f"{worked['failed']} failed")
    if worked["waitingForLinks"]:
        words.append(f"{worked['waitingForLinks']} wait for fresh links")
    if worked["left"]:
        words.append(f"{worked['left']} are left for another attempt")
    return ", ".join(words) + "."


def _complain(tally: Tally, rows: Assets) -> None:
    """Raise CommandError for what failed, or for what keeps every file from being stored."""
    if tally.number(Status.FAILED):
        raise CommandError(f"Of {tally.ended} files {tally.describe()}: {_example(tally)}")
    if tally.number(*OPEN) and not tally.number(Status.COMPLETED):
        waiting = rows.filter(status=Status.PENDING).exclude(error="").order_by("-run_after")
        if row := waiting.first():
            raise CommandError(f"Nothing was stored. {row.error}")


def _example(tally: Tally) -> str:
    """What one of the failed files says, of those with the most frequent code."""
    code = next(iter(tally.codes()))
    failed = CacheAsset.objects.filter(status=Status.FAILED, error_code=code)
    row = failed.order_by("-completed_at").first()
    return f"{row}: {row.error}" if row else code

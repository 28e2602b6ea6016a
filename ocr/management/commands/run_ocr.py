"""``manage.py run_ocr``: have slides read, or read again."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, Q, Sum

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from carousel.lib.foreground import Tally, due_slices, slices, work_through
from carousel.lib.selection import choose, selectors
from carousel.lib.stopping import stopping
from carousel.lib.work import OPEN, Priority, Status
from ocr.models import PostCategory, Reading, SlideReading
from ocr.services import (
    FLOW,
    Choice,
    Manner,
    estimate_price,
    find_category,
    open_gate,
    reading_stopped,
    rerun,
)

Json = dict[str, Any]
TITLES = ("posts", "slides", "read", "tokens in", "tokens out", "USD")


class Command(ConsoleCommand):
    help = (
        "Have the slides of posts read. Without a choice of posts it is about all readings: "
        "it shows how many are in which state and, with --now, reads what is due in this process."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for selector in selectors(Reading):
            parser.add_argument(
                f"--{selector.option}",
                nargs="+",
                action="extend",
                metavar=selector.metavar,
                help=selector.help,
            )
        parser.add_argument("--failed", action="store_true", help="only those that failed")
        parser.add_argument(
            "--older-prompt",
            action="store_true",
            help="only those that an older version of the prompt has read; they are read again",
        )
        parser.add_argument("--engine", choices=("gemini", "local"), help="only those it has read")
        parser.add_argument("--category", metavar="NAME", help="only those in this category")
        parser.add_argument(
            "--below-confidence",
            type=_share,
            metavar="SHARE",
            help="only those with a slide whose text a machine was less sure of (0 to 1); "
            "such slides are read again",
        )
        parser.add_argument(
            "--outdated",
            action="store_true",
            help="read again what another engine, model or version of the prompt has read",
        )
        parser.add_argument(
            "--estimate", action="store_true", help="only say what it would cost, and do nothing"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="read again what a machine has read; a person's words stay",
        )
        parser.add_argument("--now", action="store_true", help="do it here and show how it goes")

    def run(self, console: Console, options: Json) -> None:
        ids = _chosen(options)
        manner = _manner(options)
        given = [name for name in ("force", "outdated", "estimate") if options[name]]
        if ids is None and given:
            ways = ", ".join(f"--{selector.option}" for selector in selectors(Reading))
            raise CommandError(
                f"--{given[0]} reads again what was paid for: say what, with {ways}, --failed, "
                "--older-prompt, --engine, --category or --below-confidence."
            )
        priority = _priority(options)
        if ids is not None and (estimate := _estimate(console, ids, manner, options)):
            console.answer({"chosen": len(ids), "estimate": estimate})
            return
        with finish_in_hand():
            requested = None if ids is None else rerun(ids, manner, priority=priority)
            if requested is not None:
                console.say(f"{len(ids or ())} posts chosen, {requested} of them start over.")
            began = time.monotonic()
            if options["now"]:
                open_gate()  # a person asks, and perhaps the key was mended
            tally = self._read(console, ids) if options["now"] else None
            document: Json = {
                "chosen": None if ids is None else len(ids),
                "requested": requested,
                "worked": None if tally is None else _worked(tally, time.monotonic() - began),
                "workers": None,
            }
            if document["worked"]:
                console.say(_told(document["worked"]))
            if tally is None and _waits(ids):
                console.say(f"Pending ones are for a worker on queue {Reading.QUEUE}.")
                document["workers"] = console.workers(Reading.QUEUE, alternative="use --now")
            document["readings"] = self._states(console, ids)
            console.answer(document)
            if tally is not None and not stopping():
                _complain(tally)

    def _read(self, console: Console, ids: list[UUID] | None) -> Tally:
        if ids is None:
            chosen, total = due_slices(Reading.objects.all()), Reading.objects.due().count()
        else:
            unread = _unread(ids)
            chosen, total = slices(unread), len(unread)
        with console.progress("Reading posts", total) as progress:
            progress.show(0)
            return work_through(
                FLOW, chosen, lambda tally: progress.show(tally.ended, tally.describe())
            )

    def _states(self, console: Console, ids: list[UUID] | None) -> Json:
        """Counts and cost by status, shown and returned."""
        counted: dict[str, Counts] = {}
        for some in [None] if ids is None else slices(ids):
            for status, counts in _count(some).items():
                counted[status] = counted.get(status, Counts()) + counts
        order = [status for status in Status.values if status in counted]
        total = sum((counted[status] for status in order), Counts())
        lines = [[s, *counted[s].cells()] for s in order]
        console.table(["status", *TITLES], [*lines, ["all", *total.cells()]])
        by_status = {status: counted[status].answer() for status in order}
        return {"byStatus": by_status, "total": total.answer()}


@dataclass(frozen=True, slots=True)
class Counts:
    """Readings, what they are of, and what they cost in US dollars."""

    posts: int = 0
    slides: int = 0
    read: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = astuple(self), astuple(other)
        return Counts(*(a + b for a, b in zip(mine, theirs, strict=True)))

    def cells(self) -> list[object]:
        """For a table."""
        return [*astuple(self)[:-1], f"{self.cost:.4f}"]

    def answer(self) -> Json:
        """For machines."""
        return {
            "posts": self.posts,
            "slides": self.slides,
            "slidesRead": self.read,
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "costUsd": float(self.cost),
        }


def _count(ids: list[UUID] | None) -> dict[str, Counts]:
    """Readings (all, or these) by status, in two queries."""
    readings = Reading.objects.order_by()
    slides = SlideReading.objects.order_by()
    if ids is not None:
        readings, slides = readings.filter(pk__in=ids), slides.filter(reading__in=ids)
    of_slides = {
        status: (number, read)
        for status, number, read in slides.values_list("reading__status").annotate(
            number=Count("pk"), read=Count("pk", filter=Q(text__isnull=False))
        )
    }
    counted = readings.values_list("status").annotate(
        number=Count("pk"),
        pictures=Sum("awaited__len", default=0),
        tokens_in=Sum("input_tokens", default=0),
        tokens_out=Sum("output_tokens", default=0),
        cost=Sum("cost_usd", default=Decimal(0)),
    )
    return {
        status: Counts(number, awaited + held, read, *others)
        for status, number, awaited, *others in counted
        for held, read in [of_slides.get(status, (0, 0))]
    }


def _chosen(options: Json) -> list[UUID] | None:
    """The readings that the options name; None for all. Raises NothingChosen, CommandError."""
    ids = choose(Reading, options)
    condition = Choice(
        failed=options["failed"],
        older_prompt=options["older_prompt"],
        engine=options["engine"] or "",
        category=_category(options["category"]),
        below_confidence=options["below_confidence"],
    )
    if condition == Choice():
        return ids
    found = list(condition.readings().values_list("pk", flat=True))
    return found if ids is None else list(dict.fromkeys(ids) & dict.fromkeys(found).keys())


def _category(name: str | None) -> PostCategory | None:
    if name is None:
        return None
    if (category := find_category(name)) is None:
        raise CommandError(f"There is no category {name!r}. The admin has the list.")
    return category


def _manner(options: Json) -> Manner:
    return Manner(
        force=options["force"],
        outdated=options["outdated"] or options["older_prompt"],
        below_confidence=options["below_confidence"],
    )


def _priority(options: Json) -> Priority:
    """A few named posts go first; whatever a condition finds comes after what is new."""
    conditions = ("older_prompt", "engine", "category", "below_confidence")
    many = any(options[name] not in (None, False) for name in conditions)
    return Priority.BACKLOG if many and not options["now"] else Priority.PERSON


def _estimate(console: Console, ids: list[UUID], manner: Manner, options: Json) -> Json:
    """Say what it will cost where something is to be paid for again; filled if that is all."""
    if not (options["estimate"] or manner != Manner()):
        return {}
    estimate = estimate_price(ids, manner, priority=_priority(options))
    console.say(estimate.describe())
    if not estimate.slides and ids:
        console.say("--outdated or --force reads again what a machine has read.")
    if not options["estimate"]:
        return {}
    return {
        "slides": estimate.slides,
        "slidesAsked": estimate.asked,
        "requests": estimate.requests,
        "inputTokens": estimate.input_tokens,
        "outputTokens": estimate.output_tokens,
        "costUsd": float(estimate.cost_usd),
        "mode": estimate.mode,
        "measured": estimate.measured,
    }


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError("must be from 0 to 1")
    return value


def _unread(ids: list[UUID]) -> list[UUID]:
    """Those of the readings that have not come to their end."""
    rows = Reading.objects.filter(status__in=(Status.BLOCKED, *OPEN))
    unread = [rows.filter(pk__in=some).values_list("pk", flat=True) for some in slices(ids)]
    found = {pk for some in unread for pk in some}
    return [pk for pk in ids if pk in found]


def _waits(ids: list[UUID] | None) -> bool:
    """Whether any of the readings (all, or these) is open."""
    rows = Reading.objects.filter(status__in=OPEN)
    if ids is None:
        return rows.exists()
    return any(rows.filter(pk__in=some).exists() for some in slices(ids))


def _worked(tally: Tally, seconds: float) -> Json:
    return {
        "read": tally.number(Status.COMPLETED),
        "failed": tally.number(Status.FAILED),
        "waitingForFiles": tally.number(Status.BLOCKED),
        "left": tally.number(*OPEN),
        "failedByCode": tally.codes(),
        "seconds": round(seconds, 1),
    }


def _told(worked: Json) -> str:
    words = [f"{worked['read']} posts read in {worked['seconds']} s"]
    if worked["failed"]:
        words.append(f"{worked['failed']} failed")
    if worked["waitingForFiles"]:
        words.append(f"{worked['waitingForFiles']} wait for their files (manage.py cache_media)")
    if worked["left"]:
        words.append(f"{worked['left']} are left for another attempt")
    return ", ".join(words) + "."


def _complain(tally: Tally) -> None:
    """Raise CommandError for what failed, or for what stops all reading."""
    if tally.number(Status.FAILED):
        raise CommandError(f"Of {tally.ended} posts {tally.describe()}: {_example(tally)}")
    if tally.number(*OPEN) and (stopped := reading_stopped()):
        raise CommandError(f"Reading is stopped. {stopped.reason}")


def _example(tally: Tally) -> str:
    """What one of the failed readings says, of those with the most frequent code."""
    code = next(iter(tally.codes()))
    failed = Reading.objects.filter(status=Status.FAILED, error_code=code)
    row = failed.order_by("-completed_at").first()
    return row.error if row else code

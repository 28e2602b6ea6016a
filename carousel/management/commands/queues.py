"""``manage.py queues``: what waits, and a hand on the tap."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from redis.exceptions import RedisError

from carousel import heartbeat
from carousel.api.queues import queue_answer
from carousel.api.times import iso
from carousel.lib import queues
from carousel.lib.console import OneLineCommand

COLUMNS = ("name", "blocked", "pending", "running", "completed", "failed", "oldestDueSeconds")
TITLES = ("queue", "blocked", "pending", "running", "completed", "failed", "oldest due", "workers")


class Command(OneLineCommand):
    help = "Show what waits, runs and failed in each queue; or clear one, or retry what failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--clear", metavar="QUEUE", help="turn its pending work into failed work"
        )
        parser.add_argument("--retry-failed", metavar="QUEUE", help="queue its failed work again")
        parser.add_argument("--json", action="store_true", help="write JSON for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["clear"]:
                self._tell({"cleared": queues.clear(options["clear"])}, options["json"])
            if options["retry_failed"]:
                self._tell(
                    {"requeued": queues.retry_failed(options["retry_failed"])}, options["json"]
                )
        except queues.UnknownQueue as exc:
            raise CommandError(str(exc)) from exc
        if not (options["clear"] or options["retry_failed"]):
            self._show(as_json=options["json"])

    def _tell(self, result: dict[str, int], as_json: bool) -> None:
        ((word, number),) = result.items()
        self.stdout.write(json.dumps(result) if as_json else f"{word} {number}")

    def _show(self, *, as_json: bool) -> None:
        answers = [queue_answer(stats) for stats in queues.stats()]
        try:
            pulses = heartbeat.pulses()
        except RedisError:  # the rows can be shown without it
            pulses = {}
        if as_json:
            workers = {
                name: {"status": pulse.status, "lastSeen": iso(pulse.last_seen)}
                for name, pulse in pulses.items()
            }
            self.stdout.write(json.dumps({"queues": answers, "workers": workers}))
            return
        rows: list[tuple[str, ...]] = [TITLES]
        for answer in answers:
            cells = ["-" if answer[name] is None else str(answer[name]) for name in COLUMNS]
            pulse = pulses.get(answer["name"])
            age = "" if cells[-1] == "-" else " s"
            rows.append((*cells[:-1], cells[-1] + age, pulse.status if pulse else "unknown"))
        widths = [max(len(row[i]) for row in rows) for i in range(len(TITLES))]
        for row in rows:
            aligned = [row[0].ljust(widths[0])]
            aligned += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            self.stdout.write("  ".join(aligned))
        if any(answer["isEstimate"] for answer in answers):
            self.stdout.write("Blocked and completed rows of large queues are estimates.")

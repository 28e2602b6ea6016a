"""``manage.py add_profile HANDLE ...``: accounts to watch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from carousel.lib.foreground import slices
from carousel.lib.stopping import stopping
from tiktok.management.explaining import explained, shown_wait
from tiktok.management.runs import follow, run_answer, trouble
from tiktok.models import ProfileMonitoringLog
from tiktok.services.adding_many import Outcome, add_each

Json = dict[str, Any]


class Command(ConsoleCommand):
    help = (
        "Add TikTok profiles by handle or link: the newest posts of each are stored at once, the "
        "rest is queued."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("handles", nargs="+", metavar="HANDLE", help="@handle or profile URL")
        parser.add_argument("--own", action="store_true", help="these are profiles of your own")
        parser.add_argument(
            "--monitor",
            action=argparse.BooleanOptionalAction,
            help="check them regularly from now on, or not; unset: leave that as it is",
        )
        parser.add_argument(
            "--wait", action="store_true", help="see all of their posts through before ending"
        )

    def run(self, console: Console, options: Json) -> None:
        texts: list[str] = list(dict.fromkeys(options["handles"]))
        with finish_in_hand():
            outcomes = self._add(console, texts, options)
            runs = [each.added.run for each in outcomes if each.added and each.added.run]
            if runs and options["wait"] and not stopping():
                self._see_through(console, runs)
            elif runs:
                console.workers(ProfileMonitoringLog.QUEUE, alternative="use --wait")
            answers = [_answer(outcome, must_end=options["wait"]) for outcome in outcomes]
            self._report(console, answers, untried=texts[len(outcomes) :])

    def _add(self, console: Console, texts: list[str], options: Json) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with console.progress("Adding profiles", len(texts)) as progress:
            progress.show(0, texts[0])
            adding = add_each(
                texts,
                shown_wait(progress, lambda: len(outcomes)),
                is_own_profile=options["own"],
                monitoring=options["monitor"],
            )
            for outcome in adding:
                outcomes.append(outcome)
                progress.show(len(outcomes), outcome.text)
        return outcomes

    def _see_through(self, console: Console, runs: Sequence[ProfileMonitoringLog]) -> None:
        ids = [run.pk for run in runs]
        follow(console, slices(ids), "Fetching their posts", len(ids))
        for run in runs:
            run.refresh_from_db()

    def _report(self, console: Console, answers: list[Json], untried: list[str]) -> None:
        failed = [answer for answer in answers if answer["error"]]
        total = len(answers) + len(untried)
        for answer in answers:
            if answer["stats"] or total > 1:
                console.say(_line(answer))
        created = sum(answer["created"] for answer in answers)
        summary = {"total": total, "created": created, "failed": len(failed)}
        console.answer(
            {"profiles": answers, "notTried": untried, "summary": summary | {"left": len(untried)}}
        )
        if failed and not stopping():
            raise CommandError(_failure(failed, total, len(untried)))


def _answer(outcome: Outcome, *, must_end: bool) -> Json:
    answer: Json = {
        "input": outcome.text,
        "success": outcome.added is not None,
        "created": False,
        "profileId": None,
        "handle": None,
        "monitoringEnabled": None,
        "stats": None,
        "run": None,
        "error": explained(outcome.code, outcome.error),
        "errorCode": outcome.code,
    }
    added = outcome.added
    if added is None:
        return answer
    profile, run = added.profile, added.run
    if run is not None:
        profile.refresh_from_db()
        run.profile = profile
    answer |= {
        "created": added.created,
        "profileId": str(profile.pk),
        "handle": profile.handle,
        "monitoringEnabled": profile.monitoring_enabled,
        "stats": {
            "postsCreated": run.posts_created if run else added.posts_created,
            "postsUpdated": run.posts_updated if run else added.posts_updated,
            "totalPosts": profile.total_posts,
        },
        "run": run_answer(run) if run else None,
    }
    if run and must_end and (words := trouble(run)):
        answer |= {"success": False, "error": words, "errorCode": run.error_code}
    return answer


def _line(answer: Json) -> str:
    if not answer["stats"]:
        return f"{answer['input']}: not added: {answer['error']}"
    stats, run = answer["stats"], answer["run"]
    words = f"{stats['postsCreated']} posts new, {stats['postsUpdated']} updated"
    if run and run["status"] != "completed":
        words += f", the rest is {'running' if run['status'] == 'running' else 'queued'}"
    known = "added" if answer["created"] else "known already"
    watched = "monitored" if answer["monitoringEnabled"] else "not monitored"
    return f"@{answer['handle']}: {known} ({watched}); {words}; {stats['totalPosts']} in all"


def _failure(failed: list[Json], total: int, untried: int) -> str:
    first = failed[0]
    if total == 1:
        return str(first["error"])
    words = f"{len(failed)} of {total} failed. {first['input']}: {first['error']}"
    return f"{words} {untried} were not tried." if untried else words

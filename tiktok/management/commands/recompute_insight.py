"""``manage.py recompute_insight``: scores, rates, gains and cadence of posts, afresh."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from carousel.lib.console import Console, ConsoleCommand
from tiktok.insight import recompute_all
from tiktok.models import TikTokPost, TikTokProfile
from tiktok.services.finding import find_profile


class Command(ConsoleCommand):
    help = "Recompute what posts' numbers say. Runs do it by themselves for what they have seen."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("handles", nargs="*", metavar="HANDLE", help="@handle, link or id")
        parser.add_argument(
            "--all", action="store_true", help="posts that nobody has seen since, too"
        )

    def run(self, console: Console, options: dict[str, Any]) -> None:
        chosen = [find_profile(text).pk for text in dict.fromkeys(options["handles"])] or None
        posts = TikTokPost.objects.filter(**({"profile__in": chosen} if chosen else {})).count()
        profiles = len(chosen) if chosen else TikTokProfile.objects.count()
        began, seen = time.monotonic(), 0
        with console.progress("Recomputing", profiles) as progress:

            def show(more: int, _changed: int) -> None:
                nonlocal seen
                seen += more
                progress.show(seen)

            changed = recompute_all(chosen, everything=options["all"], done=show)
        seconds = round(time.monotonic() - began, 1)
        console.say(f"The insight of {changed} of {posts} posts has changed, in {seconds} s.")
        console.answer(
            {"profiles": profiles, "posts": posts, "changed": changed, "seconds": seconds}
        )

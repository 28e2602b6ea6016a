"""``manage.py thin_metrics``: old snapshots, one a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from carousel.lib.stopping import stopping
from tiktok.models import TikTokPost, TikTokProfile
from tiktok.services.thinning import thin_metrics

MOST_DAYS = 36_500


class Command(ConsoleCommand):
    help = (
        "Thin snapshots of posts' and profiles' numbers that are older than some days to the last "
        "of each day. The first and the last of each stay. Without --apply it only counts."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--older-than", type=int, required=True, metavar="DAYS", help="thin what is older"
        )
        parser.add_argument("--apply", action="store_true", help="really take them away")

    def run(self, console: Console, options: dict[str, Any]) -> None:
        days, apply = options["older_than"], options["apply"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--older-than: write 1 to {MOST_DAYS} days, not {days}.")
        total = TikTokPost.objects.count() + TikTokProfile.objects.count()
        surplus: dict[str, int] = {}
        done: dict[str, int] = {}
        with finish_in_hand(), console.progress("Thinning snapshots", total) as progress:
            for state in thin_metrics(timedelta(days=days), apply=apply):
                surplus[state.table], done[state.table] = state.surplus, state.owners
                progress.show(sum(done.values()), f"{sum(surplus.values())} surplus")
        posts = surplus.get("tiktok_postmetrics", 0)
        profiles = surplus.get("tiktok_profilemetrics", 0)
        document = {"applied": apply, "complete": not stopping(), "days": days}
        console.answer({**document, "postSnapshots": posts, "profileSnapshots": profiles})
        verb = "were taken away" if apply else "would be taken away; add --apply to do so"
        console.say(f"{posts} snapshots of posts and {profiles} of profiles {verb}.")

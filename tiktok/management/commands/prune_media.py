"""``manage.py prune_media``: let go of copies that have been kept for long enough."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, QuerySet
from django.template.defaultfilters import filesizeformat

from carousel.lib.console import Console, ConsoleCommand, finish_in_hand
from carousel.lib.stopping import stopping
from media_cache.models import CacheAsset, Kind
from media_cache.services import freed_by, prune, remove_released
from tiktok.services.pruning import prunable


class Command(ConsoleCommand):
    help = (
        "Show which copies of files are older than so many days; with --apply delete them. "
        "Numbers, texts and what is known of the files stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--older-than", type=float, required=True, metavar="DAYS", help="since it was stored"
        )
        parser.add_argument(
            "--kind",
            action="append",
            choices=Kind.values,
            default=[],
            help="only files of this kind (may be repeated); avatars that are shown need it",
        )
        parser.add_argument(
            "--keep-marked",
            action=BooleanOptionalAction,
            default=True,
            help="leave the files of posts alone that a person marked (default: yes)",
        )
        parser.add_argument("--apply", action="store_true", help="do it; else nothing is deleted")

    def run(self, console: Console, options: dict[str, Any]) -> None:
        if options["older_than"] < 0:
            raise CommandError("--older-than must be 0 or more.")
        chosen = prunable(
            timedelta(days=options["older_than"]),
            kinds=options["kind"],
            keep_marked=options["keep_marked"],
        )
        freed = freed_by(chosen)
        kinds = dict(chosen.order_by("kind").values_list("kind").annotate(n=Count("pk")))
        listed = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "none"
        console.say(
            f"{freed.assets} files ({listed}) in {freed.objects} objects of "
            f"{filesizeformat(freed.bytes)} that nothing else uses"
        )
        pruned = removed = 0
        if options["apply"]:
            with finish_in_hand():
                pruned, removed = _apply(console, chosen, freed.assets)
                console.say(f"{pruned} files let go of, {removed} objects deleted.")
        elif freed.assets:
            console.say("Nothing was deleted: this is a dry run. --apply does it.")
        console.answer(
            {
                "files": freed.assets,
                "byKind": kinds,
                "objects": freed.objects,
                "bytes": freed.bytes,
                "applied": options["apply"],
                "pruned": pruned,
                "objectsDeleted": removed,
            }
        )


def _apply(console: Console, chosen: QuerySet[CacheAsset], total: int) -> tuple[int, int]:
    """How many files were let go of, and how many objects went with them."""
    pruned = removed = 0
    with console.progress("Pruning files", total) as progress:
        for count in prune(chosen):
            pruned += count
            removed += remove_released(seconds=60.0)
            progress.show(pruned)
            if stopping():
                break
    return pruned, removed

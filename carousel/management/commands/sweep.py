"""``manage.py sweep``: look now for work that a lost message or signal would have started."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from carousel.lib.console import OneLineCommand
from carousel.lib.queues import work_models
from carousel.lib.work import Work, WorkQuerySet
from media_cache.tasks import sweep as sweep_media
from ocr.tasks import sweep as sweep_readings
from tiktok.tasks import sweep as sweep_profiles


class Command(OneLineCommand):
    help = "Do what beat has workers do every few seconds: plan what is due, wake who is needed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--give-back",
            action="store_true",
            help="first end the leases of running rows: only when no worker is running anywhere",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["give_back"]:
            given = 0
            for model in work_models():
                rows: WorkQuerySet[Work] = model.objects.all()
                given += rows.give_back()
            self.stdout.write(f"{given} rows given back")
        for sweep in (sweep_media, sweep_readings, sweep_profiles):
            sweep()
        self.stdout.write("swept: workers are woken for whatever is due")

"""Beat at a pace for tests."""

from __future__ import annotations

import json

from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask

TICK = 1  # second
QUEUES = (*settings.QUEUES, "default")
SWEEPS = ("media_cache.tasks.sweep", "ocr.tasks.sweep", "tiktok.tasks.sweep")


def tick_fast() -> None:
    """Have beat send every sweep and heartbeat once a second."""
    every, _ = IntervalSchedule.objects.get_or_create(every=TICK, period=IntervalSchedule.SECONDS)
    ticks: list[tuple[str, str, list[str]]] = [(task, "default", []) for task in SWEEPS]
    ticks += [("carousel.tasks.heartbeat", queue, [queue]) for queue in QUEUES]
    for task, queue, arguments in ticks:
        PeriodicTask.objects.update_or_create(
            name=f"{task} {queue}",
            defaults={
                "task": task,
                "queue": queue,
                "args": json.dumps(arguments),
                "interval": every,
                "expire_seconds": 600,
            },
        )

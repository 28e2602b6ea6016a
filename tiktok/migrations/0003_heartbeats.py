"""Create one tick per queue that proves it is consumed; what a person changes afterwards stays."""

import json

from django.db import migrations

QUEUES = ("media-cache", "profile-monitor", "ocr", "default")


def create_ticks(apps, schema_editor):
    every, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=15, period="seconds"
    )
    for queue in QUEUES:
        apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
            name=f"carousel: heartbeat of {queue}",
            defaults={
                "task": "carousel.tasks.heartbeat",
                "args": json.dumps([queue]),
                "interval": every,
                "queue": queue,
                "expire_seconds": 600,
            },
        )


class Migration(migrations.Migration):
    dependencies = [
        ("tiktok", "0002_ticks"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_ticks, migrations.RunPython.noop)]

"""Create the tick once; what a person changes in the admin afterwards stays."""

from django.db import migrations


def create_tick(apps, schema_editor):
    every, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=15, period="seconds"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name="ocr: sweep",
        defaults={
            "task": "ocr.tasks.sweep",
            "interval": every,
            "queue": "default",
            "expire_seconds": 600,
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("ocr", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_tick, migrations.RunPython.noop)]

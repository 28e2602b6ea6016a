"""Create the daily tick once; what a person changes in the admin afterwards stays."""

from django.db import migrations


def create_tick(apps, schema_editor):
    daily, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=1, period="days"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name="media_cache: fingerprints of forgotten pictures",
        defaults={
            "task": "media_cache.tasks.look_for_forgotten",
            "interval": daily,
            "queue": "default",
            "expire_seconds": 3600,
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("media_cache", "0009_fingerprint_cascade"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_tick, migrations.RunPython.noop)]

"""Snapshots say whether a number fell; those that are there already are not compared."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tiktok", "0010_runs_partial_until_whole"),
    ]

    operations = [
        migrations.AddField(
            model_name="postmetrics",
            name="decreased",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="profilemetrics",
            name="decreased",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]

"""A reading names the pictures that it waits for itself, and listens for one of them."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ocr", "0011_switch_name"),
    ]

    operations = [
        migrations.AddField(
            model_name="reading",
            name="awaited",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), editable=False, null=True, size=None
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="watched",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="reading",
            index=models.Index(
                models.F("watched"),
                condition=models.Q(("watched__isnull", False)),
                name="reading_watched",
            ),
        ),
    ]

"""The order of ids is that of time, and one index over the key serves every search."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("media_cache", "0006_host_down_since"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="cacheasset",
            name="cacheasset_newest",
        ),
        migrations.AlterField(
            model_name="cacheasset",
            name="source_key",
            field=models.TextField(),
        ),
        migrations.AddConstraint(
            model_name="cacheasset",
            constraint=models.UniqueConstraint(
                fields=("source_key",), name="cacheasset_source_key", opclasses=["text_pattern_ops"]
            ),
        ),
    ]

"""Each was the beginning of another index, the order of ids, or full of nulls."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ocr", "0008_lexemes"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="reading",
            name="reading_newest",
        ),
        migrations.AlterField(
            model_name="reading",
            name="category",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="readings",
                to="ocr.postcategory",
            ),
        ),
        migrations.AlterField(
            model_name="reading",
            name="proposed_category",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="proposed_for",
                to="ocr.postcategory",
            ),
        ),
        migrations.AlterField(
            model_name="slidereading",
            name="reading",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="slides",
                to="ocr.reading",
            ),
        ),
        migrations.AddIndex(
            model_name="reading",
            index=models.Index(
                models.F("category"),
                condition=models.Q(("category__isnull", False)),
                name="reading_category",
            ),
        ),
        migrations.AddIndex(
            model_name="reading",
            index=models.Index(
                models.F("proposed_category"),
                condition=models.Q(("proposed_category__isnull", False)),
                name="reading_proposal",
            ),
        ),
    ]

"""Each of these was the beginning of another index, or served a search that nobody makes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("media_cache", "0004_released_objects"),
        ("ocr", "0004_spending"),
        ("tiktok", "0005_insight"),
    ]

    operations = [
        migrations.AlterField(
            model_name="postmetrics",
            name="post",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="metrics",
                to="tiktok.tiktokpost",
            ),
        ),
        migrations.AlterField(
            model_name="slide",
            name="post",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="slides",
                to="tiktok.tiktokpost",
            ),
        ),
        migrations.AlterField(
            model_name="tiktokpost",
            name="profile",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="posts",
                to="tiktok.tiktokprofile",
            ),
        ),
        migrations.AlterField(
            model_name="tiktokpost",
            name="tiktok_id",
            field=models.TextField(),
        ),
        migrations.AddConstraint(
            model_name="tiktokpost",
            constraint=models.UniqueConstraint(fields=("tiktok_id",), name="post_tiktok_id"),
        ),
    ]

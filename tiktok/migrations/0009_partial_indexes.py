"""Most posts lack a sound of their own or a video, and need no index entry for that."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("media_cache", "0007_fewer_indexes"),
        ("ocr", "0009_fewer_indexes"),
        ("tiktok", "0008_profile_imports"),
    ]

    operations = [
        migrations.AlterField(
            model_name="tiktokpost",
            name="music_asset",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="media_cache.cacheasset",
            ),
        ),
        migrations.AlterField(
            model_name="tiktokpost",
            name="video",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="media_cache.cacheasset",
            ),
        ),
        migrations.AddIndex(
            model_name="tiktokpost",
            index=models.Index(
                models.F("music_asset"),
                condition=models.Q(("music_asset__isnull", False)),
                name="post_music",
            ),
        ),
        migrations.AddIndex(
            model_name="tiktokpost",
            index=models.Index(
                models.F("video"), condition=models.Q(("video__isnull", False)), name="post_video"
            ),
        ),
    ]

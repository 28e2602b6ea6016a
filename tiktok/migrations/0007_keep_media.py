from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tiktok", "0006_fewer_indexes")]

    operations = [
        migrations.AddField(
            model_name="tiktokpost",
            name="keep_media",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Retention leaves its files alone.",
            ),
        ),
        migrations.AddIndex(
            model_name="tiktokpost",
            index=models.Index(
                condition=models.Q(("keep_media", True)), fields=["id"], name="post_keep_media"
            ),
        ),
    ]

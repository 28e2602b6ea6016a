from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("media_cache", "0002_ticks")]

    operations = [
        migrations.AddField(
            model_name="cacheasset",
            name="codec",
            field=models.CharField(blank=True, db_default="", default="", max_length=8),
        ),
    ]

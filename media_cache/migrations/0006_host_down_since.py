from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("media_cache", "0005_fingerprints")]

    operations = [
        migrations.AddField(
            model_name="cacheasset",
            name="host_down_since",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]

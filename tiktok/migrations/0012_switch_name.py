from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tiktok", "0011_decreased"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="scrapergate",
            options={
                "verbose_name": "ScrapeCreators switch",
                "verbose_name_plural": "ScrapeCreators switch",
            },
        ),
    ]

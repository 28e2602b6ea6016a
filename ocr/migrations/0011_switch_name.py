from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("ocr", "0010_lacking_pictures"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="readergate",
            options={
                "verbose_name": "reading switch and budget",
                "verbose_name_plural": "reading switch and budget",
            },
        ),
    ]

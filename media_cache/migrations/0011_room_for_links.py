"""Leave room on each page for the next version of its rows.

A file gets fresh links with each sighting until it is stored, and is then claimed and finished:
every row is written several times. Where the next version fits on the same page and no indexed
column changes, as with fresh links, no index has to be written at all.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("media_cache", "0010_daily"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE media_cache_cacheasset SET (fillfactor = 50)",
            "ALTER TABLE media_cache_cacheasset RESET (fillfactor)",
        ),
    ]

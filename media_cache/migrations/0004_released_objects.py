"""Whoever deletes an asset, or stores other bytes for it, releases the object it pointed to."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Setting the time anew, instead of doing nothing on conflict, makes a removal that is under way
# see that somebody has released the object since it looked.
FUNCTIONS = """
CREATE FUNCTION media_cache_release_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO media_cache_releasedobject (storage_key, released_at)
    VALUES (OLD.storage_key, clock_timestamp())
    ON CONFLICT (storage_key) DO UPDATE SET released_at = excluded.released_at;
    RETURN NULL;
END $$;

CREATE FUNCTION media_cache_release_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO media_cache_releasedobject (storage_key, released_at)
    SELECT storage_key, clock_timestamp()
    FROM (SELECT DISTINCT storage_key FROM gone WHERE storage_key <> '') AS once
    ORDER BY storage_key
    ON CONFLICT (storage_key) DO UPDATE SET released_at = excluded.released_at;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER media_cache_release_changed
AFTER UPDATE OF storage_key ON media_cache_cacheasset FOR EACH ROW
WHEN (OLD.storage_key <> '' AND OLD.storage_key <> NEW.storage_key)
EXECUTE FUNCTION media_cache_release_changed();

CREATE TRIGGER media_cache_release_deleted
AFTER DELETE ON media_cache_cacheasset REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
EXECUTE FUNCTION media_cache_release_deleted();
"""
UNDO = """
DROP TRIGGER media_cache_release_changed ON media_cache_cacheasset;
DROP TRIGGER media_cache_release_deleted ON media_cache_cacheasset;
DROP FUNCTION media_cache_release_changed();
DROP FUNCTION media_cache_release_deleted();
"""


class Migration(migrations.Migration):
    dependencies = [("media_cache", "0003_codec")]

    operations = [
        migrations.CreateModel(
            name="ReleasedObject",
            fields=[
                ("storage_key", models.TextField(primary_key=True, serialize=False)),
                (
                    "released_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["released_at"], name="releasedobject_oldest")],
            },
        ),
        migrations.RunSQL(FUNCTIONS + TRIGGERS, UNDO),
    ]

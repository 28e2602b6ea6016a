"""A fingerprint goes with its asset by the database's own rule.

Django deletes first the fingerprints that it has found and then the assets. One that a worker
writes in between would stop the whole deletion.
"""

from django.db import migrations

NAME = "media_cache_fingerpr_asset_id_8d8b62f2_fk_media_cac"
CHANGE = f"""
ALTER TABLE media_cache_fingerprint DROP CONSTRAINT {NAME}, ADD CONSTRAINT {NAME}
    FOREIGN KEY (asset_id) REFERENCES media_cache_cacheasset (id) %s
    DEFERRABLE INITIALLY DEFERRED
"""


class Migration(migrations.Migration):
    dependencies = [("media_cache", "0008_families")]

    operations = [migrations.RunSQL(CHANGE % "ON DELETE CASCADE", CHANGE % "")]

"""What posts' numbers say: a row per post, made with it whoever makes it."""

import django.db.models.deletion
from django.db import migrations, models

# So a list in the order of the score can be walked along its index: every post has a row.
TRIGGER = """
INSERT INTO tiktok_postinsight (post_id) SELECT id FROM tiktok_tiktokpost;

CREATE FUNCTION tiktok_post_insight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tiktok_postinsight (post_id) SELECT id FROM fresh;
    RETURN NULL;
END $$;

CREATE TRIGGER tiktok_post_insight
AFTER INSERT ON tiktok_tiktokpost REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT
EXECUTE FUNCTION tiktok_post_insight();
"""
UNDO = """
DROP TRIGGER tiktok_post_insight ON tiktok_tiktokpost;
DROP FUNCTION tiktok_post_insight();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tiktok", "0004_budgets_and_schedule"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProfileInsight",
            fields=[
                (
                    "profile",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="insight",
                        serialize=False,
                        to="tiktok.tiktokprofile",
                    ),
                ),
                ("posts_per_week", models.FloatField(null=True)),
                ("median_gap_hours", models.FloatField(null=True)),
                ("gaps", models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="PostInsight",
            fields=[
                (
                    "post",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="insight",
                        serialize=False,
                        to="tiktok.tiktokpost",
                    ),
                ),
                ("outlier_score", models.FloatField(null=True)),
                ("outlier_baseline", models.FloatField(null=True)),
                ("outlier_n", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("low_confidence", models.BooleanField(db_default=True, default=True)),
                ("engagement_rate", models.FloatField(null=True)),
                ("like_rate", models.FloatField(null=True)),
                ("comment_rate", models.FloatField(null=True)),
                ("share_rate", models.FloatField(null=True)),
                ("save_rate", models.FloatField(null=True)),
                ("views_per_hour", models.FloatField(null=True)),
                ("gain_1d", models.BigIntegerField(null=True)),
                ("gain_7d", models.BigIntegerField(null=True)),
                ("gain_14d", models.BigIntegerField(null=True)),
                ("gain_30d", models.BigIntegerField(null=True)),
                ("views_24h", models.BigIntegerField(null=True)),
                ("views_7d", models.BigIntegerField(null=True)),
                ("views_30d", models.BigIntegerField(null=True)),
                ("score_24h", models.FloatField(null=True)),
                ("score_7d", models.FloatField(null=True)),
                ("score_30d", models.FloatField(null=True)),
                ("as_of", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("outlier_score"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("post"), descending=True),
                        name="postinsight_outliers",
                    )
                ],
            },
        ),
        migrations.RunSQL(TRIGGER, UNDO),
    ]

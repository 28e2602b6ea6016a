from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tiktok", "0012_switch_name"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("engagement_rate"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("engagement_rate__isnull", False)),
                name="postinsight_engagement_rate",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("like_rate"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("like_rate__isnull", False)),
                name="postinsight_like_rate",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("comment_rate"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("comment_rate__isnull", False)),
                name="postinsight_comment_rate",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("share_rate"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("share_rate__isnull", False)),
                name="postinsight_share_rate",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("save_rate"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("save_rate__isnull", False)),
                name="postinsight_save_rate",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("views_per_hour"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("views_per_hour__isnull", False)),
                name="postinsight_views_per_hour",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("gain_1d"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("gain_1d__isnull", False)),
                name="postinsight_gain_1d",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("gain_7d"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("gain_7d__isnull", False)),
                name="postinsight_gain_7d",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("gain_14d"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("gain_14d__isnull", False)),
                name="postinsight_gain_14d",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("gain_30d"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("gain_30d__isnull", False)),
                name="postinsight_gain_30d",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("score_24h"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("score_24h__isnull", False)),
                name="postinsight_score_24h",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("score_7d"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("score_7d__isnull", False)),
                name="postinsight_score_7d",
            ),
        ),
        migrations.AddIndex(
            model_name="postinsight",
            index=models.Index(
                models.OrderBy(models.F("score_30d"), descending=True, nulls_last=True),
                models.OrderBy(models.F("post"), descending=True),
                condition=models.Q(("score_30d__isnull", False)),
                name="postinsight_score_30d",
            ),
        ),
    ]

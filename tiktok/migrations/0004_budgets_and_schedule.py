"""Budgets of credits, and what the adaptive schedule needs to know."""

import uuid

from django.db import migrations, models

# Calls made so far belong to the budget of the day on which they were made.
COUNT = """
UPDATE tiktok_apicall SET counted_on = (started_at AT TIME ZONE 'UTC')::date;
WITH spent AS (
    SELECT counted_on, profile_id, sum(coalesce(credits, max_credits)) AS credits
    FROM tiktok_apicall GROUP BY counted_on, profile_id
)
INSERT INTO tiktok_creditcount (period, starts, profile_id, credits)
SELECT 'day', counted_on, '00000000-0000-0000-0000-000000000000'::uuid, sum(credits)
FROM spent GROUP BY counted_on
UNION ALL
SELECT 'month', date_trunc('month', counted_on)::date,
       '00000000-0000-0000-0000-000000000000'::uuid, sum(credits)
FROM spent GROUP BY 2
UNION ALL
SELECT 'month', date_trunc('month', counted_on)::date, profile_id, sum(credits)
FROM spent WHERE profile_id IS NOT NULL GROUP BY 2, 3;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("media_cache", "0004_released_objects"),
        ("tiktok", "0003_heartbeats"),
    ]

    operations = [
        migrations.CreateModel(
            name="CreditCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period",
                    models.CharField(choices=[("day", "Day"), ("month", "Month")], max_length=5),
                ),
                ("starts", models.DateField()),
                (
                    "profile_id",
                    models.UUIDField(default=uuid.UUID("00000000-0000-0000-0000-000000000000")),
                ),
                ("credits", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="SchedulePrice",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("price", models.FloatField()),
                ("set_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="apicall",
            name="counted_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="tiktokprofile",
            name="credit_budget_per_month",
            field=models.PositiveIntegerField(
                blank=True, help_text="Credits (UTC months); empty: without bounds.", null=True
            ),
        ),
        migrations.AddField(
            model_name="tiktokprofile",
            name="monitoring_max_minutes",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="tiktokprofile",
            name="monitoring_min_minutes",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="tiktokprofile",
            name="monitoring_schedule",
            field=models.CharField(
                blank=True,
                choices=[("fixed", "Fixed"), ("adaptive", "Adaptive")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="tiktokprofile",
            name="next_run_reason",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="tiktokprofile",
            name="planned_interval_minutes",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tiktokprofile",
            name="posts_per_day",
            field=models.FloatField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="apicall",
            index=models.Index(
                models.F("started_at"),
                condition=models.Q(("credits", None)),
                name="apicall_unsettled",
            ),
        ),
        migrations.AddConstraint(
            model_name="tiktokprofile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("monitoring_min_minutes__isnull", True),
                    ("monitoring_min_minutes__gte", 1),
                    _connector="OR",
                ),
                name="profile_least_interval",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditcount",
            constraint=models.UniqueConstraint(
                fields=("period", "starts", "profile_id"), name="credit_count_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="scheduleprice",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="one_schedule_price"
            ),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]

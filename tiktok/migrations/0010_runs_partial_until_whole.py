"""A run is partial until it has seen all it should; those that failed before never were told so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tiktok", "0009_partial_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="profilemonitoringlog",
            name="is_partial",
            field=models.BooleanField(default=True),
        ),
        migrations.AlterField(
            model_name="profilemonitoringlog",
            name="stop_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("end_of_list", "the list ended"),
                    ("no_cursor", "nothing leads to the next page"),
                    ("cursor_unchanged", "the cursor led to the same page again"),
                    ("cursor_not_decreasing", "the cursor led back to newer posts"),
                    ("repeated_page", "a page showed only posts of earlier pages"),
                    ("known_posts", "a page showed only posts that were known before"),
                    ("page_cap", "it had fetched as many pages as a run may"),
                    ("no_posts", "the account says that it has no posts"),
                    ("suspect_empty", "the list was empty in every region, which is suspect"),
                    ("private", "the account is private"),
                ],
                default="",
                max_length=40,
            ),
        ),
        migrations.RunSQL(
            "UPDATE tiktok_profilemonitoringlog SET is_partial = true WHERE stop_reason = ''",
            migrations.RunSQL.noop,
        ),
    ]

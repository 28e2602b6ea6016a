"""What posts' numbers say."""

from __future__ import annotations

from rest_framework import serializers

from tiktok.api.serializers.fields import Shape, moment, number


def fraction(help_text: str = "") -> serializers.FloatField:
    """A figure with decimals that may not be defined."""
    return serializers.FloatField(allow_null=True, help_text=help_text)


class PostInsightSerializer(Shape):
    """What a post's numbers say. Null: not defined for it, or not computed yet."""

    outlierScore = fraction(
        "Views against the median of the account's last 30 posts of the same kind before it; "
        "pinned ones and those younger than a day are no measure."
    )
    outlierBaseline = fraction("That median, in views.")
    outlierN = serializers.IntegerField(help_text="How many posts it is the median of.")
    lowConfidence = serializers.BooleanField(help_text="True under 10 posts.")
    engagementRate = fraction("(Likes + comments + shares + saves) / views.")
    likeRate = fraction("Likes / views.")
    commentRate = fraction("Comments / views.")
    shareRate = fraction("Shares / views.")
    saveRate = fraction("Saves / views.")
    viewsPerHour = fraction("Between the last two snapshots; 0 if nothing moved since.")
    gain1d = number("Views gained in the day before it was last seen.")
    gain7d = number("In the 7 days before.")
    gain14d = number("In the 14 days before.")
    gain30d = number("In the 30 days before.")
    views24h = number("Views 24 hours after it was published. Final.")
    views7d = number("After 7 days. Final.")
    views30d = number("After 30 days. Final.")
    score24h = fraction("The outlier score among posts 24 hours old; needs 10 of them. Final.")
    score7d = fraction("Among posts 7 days old. Final.")
    score30d = fraction("Among posts 30 days old. Final.")
    asOf = moment("When the numbers behind it were seen.")


class ProfileInsightSerializer(Shape):
    """How often an account posts, over its latest 31 posts of any kind."""

    postsPerWeek = fraction("Null where there is no gap between posts.")
    medianGapHours = fraction("Between one post and the next.")
    gaps = serializers.IntegerField(help_text="How many gaps that is the median of, 30 at most.")

"""What posts' numbers say, computed from them. ``tiktok.insight`` has the formulas."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tiktok.models.post import TikTokPost
from tiktok.models.profile import TikTokProfile

# Lists are ordered by each of these. Their indexes leave out what is not known: nothing is when a
# post is stored, so that costs no entries.
SPARSE = (
    *("engagement_rate", "like_rate", "comment_rate", "share_rate", "save_rate"),
    *("views_per_hour", "gain_1d", "gain_7d", "gain_14d", "gain_30d"),
    *("score_24h", "score_7d", "score_30d"),
)


class PostInsight(models.Model):
    """One row per post, made with it by a trigger; null is what is not defined for the post.

    Rates are per view. ``views_*`` and ``score_*`` are final once they have a value.
    """

    post = models.OneToOneField(
        TikTokPost, primary_key=True, on_delete=models.CASCADE, related_name="insight"
    )
    outlier_score = models.FloatField(null=True)
    outlier_baseline = models.FloatField(null=True)  # the median, in views
    outlier_n = models.PositiveSmallIntegerField(default=0, db_default=0)
    low_confidence = models.BooleanField(default=True, db_default=True)

    engagement_rate = models.FloatField(null=True)
    like_rate = models.FloatField(null=True)
    comment_rate = models.FloatField(null=True)
    share_rate = models.FloatField(null=True)
    save_rate = models.FloatField(null=True)

    views_per_hour = models.FloatField(null=True)
    gain_1d = models.BigIntegerField(null=True)
    gain_7d = models.BigIntegerField(null=True)
    gain_14d = models.BigIntegerField(null=True)
    gain_30d = models.BigIntegerField(null=True)

    views_24h = models.BigIntegerField(null=True)
    views_7d = models.BigIntegerField(null=True)
    views_30d = models.BigIntegerField(null=True)
    score_24h = models.FloatField(null=True)
    score_7d = models.FloatField(null=True)
    score_30d = models.FloatField(null=True)

    as_of = models.DateTimeField(null=True)  # when the numbers were seen; null: not computed yet

    class Meta:
        indexes = [
            models.Index(
                F("outlier_score").desc(nulls_last=True),
                F("post").desc(),
                name="postinsight_outliers",
            ),
            *(
                models.Index(
                    F(name).desc(nulls_last=True),
                    F("post").desc(),
                    name=f"postinsight_{name}",
                    condition=Q(**{f"{name}__isnull": False}),
                )
                for name in SPARSE
            ),
        ]

    def __str__(self) -> str:
        return f"insight of {self.post_id}"


class ProfileInsight(models.Model):
    """How often an account posts, over at most the 30 latest gaps between posts of any kind."""

    profile = models.OneToOneField(
        TikTokProfile, primary_key=True, on_delete=models.CASCADE, related_name="insight"
    )
    posts_per_week = models.FloatField(null=True)
    median_gap_hours = models.FloatField(null=True)
    gaps = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"insight of {self.profile_id}"

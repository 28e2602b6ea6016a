"""What the figures are called outside (API, exports), and which columns have them."""

from __future__ import annotations

POST_FIGURES = {
    "outlierScore": "outlier_score",
    "outlierBaseline": "outlier_baseline",
    "outlierN": "outlier_n",
    "lowConfidence": "low_confidence",
    "engagementRate": "engagement_rate",
    "likeRate": "like_rate",
    "commentRate": "comment_rate",
    "shareRate": "share_rate",
    "saveRate": "save_rate",
    "viewsPerHour": "views_per_hour",
    "gain1d": "gain_1d",
    "gain7d": "gain_7d",
    "gain14d": "gain_14d",
    "gain30d": "gain_30d",
    "views24h": "views_24h",
    "views7d": "views_7d",
    "views30d": "views_30d",
    "score24h": "score_24h",
    "score7d": "score_7d",
    "score30d": "score_30d",
}
PROFILE_FIGURES = {
    "postsPerWeek": "posts_per_week",
    "medianGapHours": "median_gap_hours",
}

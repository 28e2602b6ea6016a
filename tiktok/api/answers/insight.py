"""What posts' numbers say, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carousel.api.times import iso
from media_cache.api.serializers import Answer
from tiktok.models import ProfileInsight

NAMES = {
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
# What a query on posts has to read for it.
COLUMNS = tuple(f"insight__{column}" for column in (*NAMES.values(), "as_of"))


def post_insight(row: Mapping[str, Any]) -> Answer:
    """From a row with ``COLUMNS``."""
    found: Answer = {name: row[f"insight__{column}"] for name, column in NAMES.items()}
    return {**found, "asOf": iso(row["insight__as_of"])}


def profile_insight(row: ProfileInsight | None) -> Answer:
    """An account's cadence; nulls where it was not computed yet."""
    return {
        "postsPerWeek": row.posts_per_week if row else None,
        "medianGapHours": row.median_gap_hours if row else None,
        "gaps": row.gaps if row else 0,
    }

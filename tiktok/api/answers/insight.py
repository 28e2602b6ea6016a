"""What posts' numbers say, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carousel.api.times import iso
from media_cache.api.serializers import Answer
from tiktok.insight.names import POST_FIGURES
from tiktok.models import ProfileInsight

# What a query on posts has to read for it.
COLUMNS = tuple(f"insight__{column}" for column in (*POST_FIGURES.values(), "as_of"))


def post_insight(row: Mapping[str, Any]) -> Answer:
    """From a row with ``COLUMNS``."""
    found: Answer = {name: row[f"insight__{column}"] for name, column in POST_FIGURES.items()}
    return {**found, "asOf": iso(row["insight__as_of"])}


def profile_insight(row: ProfileInsight | None) -> Answer:
    """An account's cadence; nulls where it was not computed yet."""
    return {
        "postsPerWeek": row.posts_per_week if row else None,
        "medianGapHours": row.median_gap_hours if row else None,
        "gaps": row.gaps if row else 0,
    }

"""What posts' numbers say: scores, rates, gains, cadence. Computed in the database, in sets.

``formulas`` says what each figure is and where it comes from.
"""

from __future__ import annotations

from tiktok.insight.formulas import BASELINE_POSTS, CONFIDENT_FROM
from tiktok.insight.recompute import recompute_all, recompute_insight

__all__ = ["BASELINE_POSTS", "CONFIDENT_FROM", "recompute_all", "recompute_insight"]

"""Scores as the admin shows them."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin.base import UNKNOWN
from tiktok.models import PostInsight


def outlier_badge(insight: PostInsight) -> SafeString:
    """``4.2×``, with what it is measured against as its title; few posts behind it: ``~4.2×``."""
    if insight.outlier_score is None or insight.outlier_baseline is None:
        return format_html("{}", UNKNOWN)
    return format_html(
        '<span class="number" title="views against {}, the median of {} posts before it">'
        "{}{}×</span>",
        f"{insight.outlier_baseline:,.0f}",
        insight.outlier_n,
        "~" if insight.low_confidence else "",
        f"{insight.outlier_score:.1f}",
    )

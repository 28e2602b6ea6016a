"""A post's numbers as the admin shows them: columns to sort by, and all of them on its own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import F
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from carousel.lib.admin import compact
from carousel.lib.admin.base import UNKNOWN
from tiktok.models import PostInsight, TikTokPost

RATES = (
    *(("engagement", "engagement_rate"), ("likes", "like_rate"), ("comments", "comment_rate")),
    *(("shares", "share_rate"), ("saves", "save_rate")),
)
GAINS = (
    ("a day", "gain_1d"),
    ("7 days", "gain_7d"),
    ("14 days", "gain_14d"),
    ("30 days", "gain_30d"),
)
AGES = (("24 hours", "24h"), ("7 days", "7d"), ("30 days", "30d"))
Shown = str | SafeString


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


def percent(rate: float | None) -> str:
    """A rate per view."""
    return UNKNOWN if rate is None else f"{100 * rate:.1f} %"


def whole(number: float | None) -> Shown:
    """A number whose decimals say nothing."""
    return compact(None if number is None else round(number))


def _column(label: str, path: str, shown: Callable[[Any], Shown]) -> Callable[..., Shown]:
    """A column of one number, sorted as its index is: unknown ones last."""
    *relation, name = path.split("__")

    @admin.display(description=label, ordering=F(path).desc(nulls_last=True))
    def column(self: Any, post: TikTokPost) -> Shown:
        return shown(getattr(post.insight if relation else post, name))

    return column


class Figures:
    """What the list and the page of a post have of its numbers."""

    sortable = (
        *("views", "likes", "saves", "outlier"),
        *("engagement", "save_rate", "per_hour", "week"),
    )
    told = ("outlier", "rates", "gains", "by_age")

    views = _column("views", "view_count", compact)
    likes = _column("likes", "like_count", compact)
    saves = _column("saves", "save_count", compact)
    engagement = _column("engaged", "insight__engagement_rate", percent)
    save_rate = _column("saved", "insight__save_rate", percent)
    per_hour = _column("views/h", "insight__views_per_hour", whole)
    week = _column("in 7 days", "insight__gain_7d", compact)

    @admin.display(
        description="outlier", ordering=F("insight__outlier_score").desc(nulls_last=True)
    )
    def outlier(self, post: TikTokPost) -> SafeString:
        """How many times the views of the account's ordinary post of its kind."""
        return outlier_badge(post.insight)

    @admin.display(description="per view")
    def rates(self, post: TikTokPost) -> str:
        """Every rate."""
        rates = [(label, percent(getattr(post.insight, name))) for label, name in RATES]
        return " · ".join(f"{label} {rate}" for label, rate in rates)

    @admin.display(description="views gained")
    def gains(self, post: TikTokPost) -> SafeString:
        """How fast, and how many within the last days."""
        pairs = [(compact(getattr(post.insight, name)), label) for label, name in GAINS]
        return format_html(
            "{} an hour · {}",
            whole(post.insight.views_per_hour),
            format_html_join(" · ", "{} in {}", pairs),
        )

    @admin.display(description="views at an age")
    def by_age(self, post: TikTokPost) -> SafeString:
        """And how many times the account's ordinary ones at that age they are."""
        return format_html_join(" · ", "{} after {} ({})", _at_ages(post.insight))


def _at_ages(insight: PostInsight) -> list[tuple[Shown, str, str]]:
    scores = [getattr(insight, f"score_{age}") for _, age in AGES]
    return [
        (
            compact(getattr(insight, f"views_{age}")),
            label,
            UNKNOWN if score is None else f"{score:.1f}×",
        )
        for (label, age), score in zip(AGES, scores, strict=True)
    ]

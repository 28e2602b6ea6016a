"""Profiles, posts, slides, their numbers over time, and the runs that fetch them."""

from __future__ import annotations

from tiktok.models.insight import SPARSE, PostInsight, ProfileInsight
from tiktok.models.ledger import ApiCall, CreditCount, Period, SchedulePrice, ScraperGate
from tiktok.models.post import UNREAD, ContentType, PostMetrics, Slide, TikTokPost
from tiktok.models.profile import ProfileMetrics, Schedule, TikTokProfile
from tiktok.models.run import (
    UNFINISHED,
    LinkRefresh,
    ProfileImport,
    ProfileMonitoringLog,
    StopReason,
    Trigger,
)

__all__ = [
    "SPARSE",
    "UNFINISHED",
    "UNREAD",
    "ApiCall",
    "ContentType",
    "CreditCount",
    "LinkRefresh",
    "Period",
    "PostInsight",
    "PostMetrics",
    "ProfileImport",
    "ProfileInsight",
    "ProfileMetrics",
    "ProfileMonitoringLog",
    "Schedule",
    "SchedulePrice",
    "ScraperGate",
    "Slide",
    "StopReason",
    "TikTokPost",
    "TikTokProfile",
    "Trigger",
]

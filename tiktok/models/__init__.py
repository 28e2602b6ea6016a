"""Profiles, posts, slides, their numbers over time, and the runs that fetch them."""

from __future__ import annotations

from tiktok.models.ledger import ApiCall, ScraperGate
from tiktok.models.post import UNREAD, ContentType, PostMetrics, Slide, TikTokPost
from tiktok.models.profile import ProfileMetrics, TikTokProfile
from tiktok.models.run import UNFINISHED, LinkRefresh, ProfileMonitoringLog, Trigger

__all__ = [
    "UNFINISHED",
    "UNREAD",
    "ApiCall",
    "ContentType",
    "LinkRefresh",
    "PostMetrics",
    "ProfileMetrics",
    "ProfileMonitoringLog",
    "ScraperGate",
    "Slide",
    "TikTokPost",
    "TikTokProfile",
    "Trigger",
]

"""Profiles, posts, runs and the ledger in the admin."""

from __future__ import annotations

from tiktok.admin.imports import ProfileImportAdmin
from tiktok.admin.ledger import ApiCallAdmin, ScraperGateAdmin
from tiktok.admin.posts import TikTokPostAdmin
from tiktok.admin.profiles import TikTokProfileAdmin
from tiktok.admin.runs import LinkRefreshAdmin, ProfileMonitoringLogAdmin

__all__ = [
    "ApiCallAdmin",
    "LinkRefreshAdmin",
    "ProfileImportAdmin",
    "ProfileMonitoringLogAdmin",
    "ScraperGateAdmin",
    "TikTokPostAdmin",
    "TikTokProfileAdmin",
]

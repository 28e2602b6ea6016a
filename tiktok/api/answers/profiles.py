"""Profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from carousel.api.errors import missing
from carousel.api.times import iso
from media_cache.api.serializers import Answer, asset_answers
from tiktok import services
from tiktok.api.answers.insight import profile_insight
from tiktok.models import TikTokProfile


def profile_answers(keys: Sequence[UUID], base_url: str) -> list[Answer]:
    """Profiles in the order of ``keys``, in two queries; those that are gone are left out."""
    rows = TikTokProfile.objects.select_related("insight").in_bulk(keys)
    avatars = asset_answers((row.avatar_id for row in rows.values()), base_url)
    return [_profile(rows[key], avatars) for key in keys if key in rows]


def profile_answer(key: UUID, base_url: str) -> Answer:
    """One profile. Raises ApiProblem 404."""
    for answer in profile_answers([key], base_url):
        return answer
    raise missing("profile", key)


def schedule_answer(row: TikTokProfile) -> Answer:
    """How a profile's next look is chosen, and what it may cost."""
    return {
        "monitoringSchedule": "adaptive" if services.is_adaptive(row) else "fixed",
        "monitoringMinMinutes": row.monitoring_min_minutes,
        "monitoringMaxMinutes": row.monitoring_max_minutes,
        "nextMonitoringReason": services.next_run_reason(row),
        "expectedPostsPerDay": row.posts_per_day,
        "creditBudgetPerMonth": row.credit_budget_per_month,
    }


def _profile(row: TikTokProfile, avatars: dict[Any, Answer]) -> Answer:
    return {
        "id": str(row.pk),
        "tiktokUserId": row.tiktok_user_id,
        "secUid": row.sec_uid,
        "handle": row.handle,
        "previousHandles": row.previous_handles,
        "nickname": row.nickname,
        "bio": row.bio,
        "verified": row.verified,
        "private": row.private,
        "isOwnProfile": row.is_own_profile,
        "url": row.url,
        "avatar": avatars.get(row.avatar_id),
        "followerCount": row.follower_count,
        "followingCount": row.following_count,
        "likeCount": row.like_count,
        "videoCount": row.video_count,
        "totals": {
            "posts": row.total_posts,
            "views": row.total_views,
            "likes": row.total_likes,
            "comments": row.total_comments,
            "shares": row.total_shares,
            "saves": row.total_saves,
        },
        "monitoringEnabled": row.monitoring_enabled,
        "monitoringIntervalMinutes": row.monitoring_interval_minutes,
        **schedule_answer(row),
        "lastMonitoringRun": iso(row.last_monitoring_run),
        "nextMonitoringRun": iso(row.next_monitoring_run),
        "insight": profile_insight(getattr(row, "insight", None)),
        "missingSince": iso(row.missing_since),
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }

"""Runs, and how a profile is watched."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from carousel.api.times import iso
from media_cache.api.serializers import Answer
from tiktok.api.answers.profiles import schedule_answer
from tiktok.models import ProfileMonitoringLog, TikTokProfile
from tiktok.services.completeness import summary

RECENT = 10


def run_answers(keys: Sequence[UUID]) -> list[Answer]:
    """Runs in the order of ``keys``, in one query; those that are gone are left out."""
    rows = ProfileMonitoringLog.objects.in_bulk(keys)
    return [run_answer(rows[key]) for key in keys if key in rows]


def monitoring_answer(profile: TikTokProfile) -> Answer:
    """Whether and when a profile is checked, and its newest runs. One query."""
    runs = ProfileMonitoringLog.objects.filter(profile=profile).order_by("-created_at")[:RECENT]
    return {
        "profileId": str(profile.pk),
        "monitoringEnabled": profile.monitoring_enabled,
        "monitoringIntervalMinutes": profile.monitoring_interval_minutes,
        **schedule_answer(profile),
        "lastMonitoringRun": iso(profile.last_monitoring_run),
        "nextMonitoringRun": iso(profile.next_monitoring_run),
        "recentLogs": [run_answer(run) for run in runs],
    }


def run_answer(run: ProfileMonitoringLog) -> Answer:
    """One run."""
    return {
        "id": str(run.pk),
        "profileId": str(run.profile_id),
        "trigger": run.trigger,
        "forceRecache": run.force_recache,
        "status": run.status,
        "attempts": run.attempts,
        "startedAt": iso(run.started_at),
        "completedAt": iso(run.completed_at),
        "runAfter": iso(run.run_after),
        "pagesScraped": run.pages_scraped,
        "postsScraped": run.posts_scraped,
        "postsCreated": run.posts_created,
        "postsUpdated": run.posts_updated,
        "itemsSkipped": run.items_skipped,
        "expectedPosts": run.expected_posts,
        "creditsCharged": run.credits_charged,
        "creditsRemaining": run.credits_remaining,
        "error": run.error,
        "errorCode": run.error_code,
        "stopReason": run.stop_reason,
        "isPartial": run.is_partial,
        "oldestPostAt": iso(run.oldest_post_at),
        "summary": summary(run, timezone.now()),
        "createdAt": iso(run.created_at),
    }

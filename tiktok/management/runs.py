"""Monitoring runs on a terminal: watched while they go on, told when they have ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum
from django.utils import timezone

from carousel.api.times import iso
from carousel.lib.console import Console
from carousel.lib.foreground import Tally, work_through
from carousel.lib.work import Status
from tiktok.management.explaining import explained
from tiktok.models import UNFINISHED, ProfileMonitoringLog
from tiktok.services import FLOW
from tiktok.services.completeness import summary

Json = dict[str, Any]


def follow(console: Console, chosen: Iterable[list[UUID]], what: str, total: int | None) -> Tally:
    """Work on these runs in this process, showing pages, posts and credits while it goes on."""
    with console.progress(what, total) as progress:

        def show(tally: Tally) -> None:
            done = tally.ended
            run = ProfileMonitoringLog.objects.filter(pk__in=tally.in_hand).first()
            if run is not None and total == 1:
                progress.total, done = run.expected_posts, run.posts_scraped
            progress.show(done, _so_far(tally))

        return work_through(FLOW, chosen, show)


def _so_far(tally: Tally) -> str:
    """What the runs in hand have got, in words."""
    runs = ProfileMonitoringLog.objects.filter(pk__in=tally.in_hand)
    found = runs.aggregate(
        pages=Sum("pages_scraped", default=0),
        posts=Sum("posts_scraped", default=0),
        credits=Sum("credits_charged", default=0),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
    )
    words = [f"{found[name]} {name}" for name in ("pages", "posts", "credits")]
    if found["failed"]:
        words.append(f"{found['failed']} failed")
    waits = runs.filter(status=Status.PENDING).exclude(error="").values_list("error", flat=True)
    return ", ".join([*words, *(f"waits: {reason}" for reason in waits[:1])])


def run_answer(run: ProfileMonitoringLog) -> Json:
    """A run for machines, as the API calls its parts. Asks for the profile."""
    return {
        "id": str(run.pk),
        "profileId": str(run.profile_id),
        "handle": run.profile.handle,
        "trigger": run.trigger,
        "forceRecache": run.force_recache,
        "status": run.status,
        "runAfter": iso(run.run_after),
        "pagesScraped": run.pages_scraped,
        "postsScraped": run.posts_scraped,
        "postsCreated": run.posts_created,
        "postsUpdated": run.posts_updated,
        "expectedPosts": run.expected_posts,
        "creditsCharged": run.credits_charged,
        "creditsRemaining": run.credits_remaining,
        "itemsSkipped": run.items_skipped,
        "stopReason": run.stop_reason,
        "isPartial": run.is_partial,
        "oldestPostAt": iso(run.oldest_post_at),
        "summary": summary(run, timezone.now()),
        "error": explained(run.error_code, run.error),
        "errorCode": run.error_code,
    }


def trouble(run: ProfileMonitoringLog) -> str:
    """Why a run that was to end now has not ended well; empty if it has."""
    why = explained(run.error_code, run.error)
    if run.status == Status.FAILED:
        return f"The run over {run.profile} failed: {why}"
    if run.status in UNFINISHED:
        return (
            f"The run over {run.profile} is not finished: {why or 'another process is at it.'} "
            f"It goes on at {run.run_after:%H:%M:%S} UTC, if a worker runs."
        )
    return ""

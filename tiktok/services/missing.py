"""Posts and profiles that are not where they were. A miss is not a deletion.

Lists come up short, live posts have answered 404, and a private account shows nothing. So whatever
is missed is only counted, ``MISSES_UNTIL_CHECKED`` times in a row, and then asked for by itself;
if that doesn't find it either it is marked missing. Nothing is ever removed.
"""

from __future__ import annotations

import logging
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from carousel.lib.work import Priority
from tiktok.bulk_upsert import bulk_upsert
from tiktok.models import ProfileMonitoringLog, TikTokPost, TikTokProfile
from tiktok.scraper.client import ScrapeCreators
from tiktok.scraper.errors import ScrapeError
from tiktok.scraper.handles import post_url
from tiktok.scraper.schemas import ScrapedPost
from tiktok.services.scraping import seen_at

logger = logging.getLogger(__name__)

GONE = frozenset({"not_found", "private"})
THERE = frozenset({"forbidden", "region_locked"})  # it exists, though we may not see it
CHECKS_PER_RUN = 5  # each costs a credit; the others wait for the next run


def count_misses(run: ProfileMonitoringLog, *, whole_list: bool) -> int:
    """Count a miss for each post that the run should have seen and has not. Returns how many.

    That is, those younger than the oldest post it looked at; all of them after the ``whole_list``.
    To be called once per run, in the transaction that stores its last page.
    """
    if run.oldest_post_at is None:
        return 0
    unseen = TikTokPost.objects.filter(profile_id=run.profile_id, missing_since=None).exclude(
        Q(last_seen_run=run.pk) | Q(last_seen_at__gte=run.created_at)
    )
    if not whole_list:
        unseen = unseen.filter(published_at__gt=run.oldest_post_at)
    return unseen.update(misses=F("misses") + 1)


def check_missing(post: TikTokPost, run: ProfileMonitoringLog, client: ScrapeCreators) -> bool:
    """Ask for a post that was missed often enough, and write down what comes of it.

    Returns False where that can't be told now. Raises NotNow, ScrapeError if no call may be made.
    """
    try:
        found = client.video(url_of(post)).post
    except ScrapeError as exc:
        if exc.call is None:
            raise
        if not _settled_by(exc, post):
            logger.warning("Could not check whether %s is still there: %s", post, exc)
            return False
    else:
        store_found(post, found, run)
    return True


def missed_often(profile_id: UUID) -> QuerySet[TikTokPost]:
    """Posts of the profile that are due for a check of their own."""
    missed = TikTokPost.objects.filter(
        profile_id=profile_id, misses__gte=settings.MISSES_UNTIL_CHECKED, missing_since=None
    )
    return missed.select_related("profile").order_by("-misses", "-published_at", "pk")


def _settled_by(exc: ScrapeError, post: TikTokPost) -> bool:
    """Write down what the error says of the post; False if it says nothing."""
    if exc.code in GONE:
        mark_missing(post)
    elif exc.code in THERE:
        TikTokPost.objects.filter(pk=post.pk).update(misses=0)
    return exc.code in GONE | THERE


def mark_missing(post: TikTokPost) -> None:
    """The post is gone, as far as anybody can see. What we have of it stays."""
    TikTokPost.objects.filter(pk=post.pk, missing_since=None).update(missing_since=Now())


def store_found(
    post: TikTokPost,
    found: ScrapedPost,
    run: ProfileMonitoringLog | None,
    *,
    priority: Priority | None = None,
) -> None:
    """Store a post that was fetched by itself, and end its absence."""
    profile = post.profile
    bulk_upsert(profile, [found], captured_at=seen_at(), run=run, priority=priority)
    if found.is_deleted or found.is_private:
        mark_missing(post)
    else:
        TikTokPost.objects.filter(pk=post.pk).update(misses=0)


def url_of(post: TikTokPost) -> str:
    """The post's full address; for shortened ones live posts have been reported missing."""
    kind: Literal["photo", "video"] = "photo" if post.content_type == "photo" else "video"
    return post_url(post.profile.handle or None, kind, post.tiktok_id)


def profile_missed(profile: TikTokProfile, client: ScrapeCreators) -> None:
    """An account was not found by its user id: count it, and after some times ask by handle.

    If that doesn't find it either it is marked missing. Raises NotNow and, where the question got
    no clear answer, ScrapeError.
    """
    with transaction.atomic():
        row = TikTokProfile.objects.select_for_update(no_key=True).get(pk=profile.pk)
        row.misses = min(row.misses + 1, 32_767)
        row.save(update_fields=["misses"])
    if row.misses < settings.MISSES_UNTIL_CHECKED or row.missing_since:
        return
    if not row.handle or not _holds_handle(row, client):
        TikTokProfile.objects.filter(pk=row.pk, missing_since=None).update(missing_since=Now())


def _holds_handle(profile: TikTokProfile, client: ScrapeCreators) -> bool:
    """Whether the account still answers to its handle; somebody else may by now."""
    try:
        found = client.profile(handle=profile.handle).profile
    except ScrapeError as exc:
        if exc.code == "not_found":
            return False
        raise
    return found.tiktok_user_id == profile.tiktok_user_id

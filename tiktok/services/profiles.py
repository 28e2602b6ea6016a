"""Who an account is: one profile per TikTok user id, whatever its handle has been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower, Now

from carousel.lib.work import Priority
from media_cache.services import MediaRequest, delete_unreferenced, request_media
from ocr.models import Reading
from tiktok.metrics import record_profile
from tiktok.models import TikTokProfile
from tiktok.scraper.schemas import ScrapedMedia, ScrapedProfile

TRIES = 3  # to delete a profile while others begin to show its files


@dataclass(frozen=True, slots=True)
class Stored:
    """A profile as it is in the database now."""

    profile: TikTokProfile
    created: bool


def store_profile(
    found: ScrapedProfile, *, captured_at: datetime, priority: Priority = Priority.SCHEDULE
) -> Stored:
    """Write an account down: who it is, what it is called now, its avatar and its numbers.

    The user id decides who it is. A changed handle is kept among the previous ones; a handle that
    somebody else had so far is taken from them, and nothing of theirs is merged. Concurrent calls
    for one account yield one profile.
    """
    with transaction.atomic():
        holders = _lock_holders(found)
        created = found.tiktok_user_id not in holders
        for user_id, other in holders.items():
            if user_id != found.tiktok_user_id:
                _drop_handle(other)
        if created:
            created = _insert(found)
            holders = _lock_holders(found)
        profile = holders[found.tiktok_user_id]
        _describe(profile, found, priority)
        profile.save()
        record_profile(profile, found, captured_at=captured_at)
    return Stored(profile, created)


def _lock_holders(found: ScrapedProfile) -> dict[str, TikTokProfile]:
    """Lock the account's profile, and whoever holds its handle; by user id."""
    handles = TikTokProfile.objects.annotate(folded=Lower("handle"))
    concerned = handles.filter(
        Q(tiktok_user_id=found.tiktok_user_id) | Q(folded=found.handle.lower())
    )
    locked = concerned.order_by("pk").select_for_update(no_key=True)
    return {profile.tiktok_user_id: profile for profile in locked}


def _insert(found: ScrapedProfile) -> bool:
    """Insert the account, unless somebody has just done so."""
    fresh = TikTokProfile(
        tiktok_user_id=found.tiktok_user_id,
        handle=found.handle,
        monitoring_interval_minutes=settings.MONITORING_INTERVAL_MINUTES,
    )
    TikTokProfile.objects.bulk_create([fresh], ignore_conflicts=True)
    return TikTokProfile.objects.filter(pk=fresh.pk).exists()


def _drop_handle(profile: TikTokProfile) -> None:
    _remember_handle(profile, profile.handle)
    profile.handle = ""
    profile.save(update_fields=["handle", "previous_handles"])


def _remember_handle(profile: TikTokProfile, handle: str) -> None:
    if handle and handle not in profile.previous_handles:
        profile.previous_handles = [*profile.previous_handles, handle]


def _describe(profile: TikTokProfile, found: ScrapedProfile, priority: Priority) -> None:
    """Set everything but the numbers. Finding it ends its absence."""
    if profile.handle.lower() != found.handle.lower():
        _remember_handle(profile, profile.handle)
    profile.handle = found.handle
    profile.sec_uid = found.sec_uid or profile.sec_uid
    profile.nickname = found.nickname
    profile.bio = found.bio
    profile.verified = found.verified
    profile.private = found.private
    profile.misses = 0
    profile.missing_since = None
    profile.updated_at = Now()
    if found.avatar:
        keep_avatar(profile, found.avatar, priority)


def keep_avatar(profile: TikTokProfile, avatar: ScrapedMedia, priority: Priority) -> None:
    """Ask for the picture; the profile shows it, stored or not. Doesn't save the profile."""
    request = MediaRequest(avatar.kind, avatar.source_key, avatar.urls, avatar.expires_at)
    profile.avatar_id = request_media([request], priority=priority).get(
        avatar.source_key, profile.avatar_id
    )


USED_FILES = """
SELECT asset_id FROM tiktok_slide JOIN tiktok_tiktokpost AS post ON post.id = post_id
WHERE post.profile_id = %(profile)s
UNION SELECT unnest(ARRAY[cover_id, video_id, music_asset_id]) FROM tiktok_tiktokpost
WHERE profile_id = %(profile)s
UNION SELECT avatar_id FROM tiktok_tiktokprofile WHERE id = %(profile)s
"""


def delete_profile(profile: TikTokProfile) -> None:
    """Delete a profile with its posts, numbers, runs, readings, and files that nobody else shows.

    What is stored of those files goes too, unless other assets have the same bytes. Calls in the
    ledger stay, as they were paid.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                _delete(profile)
            return
        except IntegrityError:  # another profile's new post shows one of the files by now
            if not left or connection.in_atomic_block:
                raise


def _delete(profile: TikTokProfile) -> None:
    TikTokProfile.objects.select_for_update().filter(pk=profile.pk).first()
    readings = list(profile.posts.exclude(reading=None).values_list("reading_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(USED_FILES, {"profile": profile.pk})
        files = [pk for (pk,) in cursor.fetchall() if pk]
    TikTokProfile.objects.filter(pk=profile.pk).delete()
    Reading.objects.filter(pk__in=readings, posts=None).delete()
    delete_unreferenced(files)

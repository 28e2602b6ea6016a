"""Fresh links for files whose links have died: fetch the post, or the profile, again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from carousel.lib import faults
from carousel.lib.drain import Flow, wake
from carousel.lib.ids import uuid7
from carousel.lib.work import Priority, Status
from media_cache.models import CacheAsset
from media_cache.services import source_gone
from tiktok.models import LinkRefresh, Slide, TikTokPost, TikTokProfile
from tiktok.scraper.errors import ScrapeError
from tiktok.services.gate import GATE_WAIT, HOLDING
from tiktok.services.missing import GONE, mark_missing, store_found, url_of
from tiktok.services.profiles import store_profile
from tiktok.services.scraping import scraper, seen_at

MISSES = 2  # answers that a thing is not there before that is believed; live posts have got one
PER_DAY = 3  # times a day that one thing is fetched for its links: fresh ones may be refused too
BATCH = 500

# One post per asset, as a sound may belong to thousands: one that is there, and was seen last.
POSTS_OF_ASSETS = """
SELECT DISTINCT ON (asset_id) asset_id, post.id
FROM (
    SELECT asset_id, post_id FROM tiktok_slide WHERE asset_id = ANY(%(assets)s)
    UNION ALL SELECT cover_id, id FROM tiktok_tiktokpost WHERE cover_id = ANY(%(assets)s)
    UNION ALL SELECT video_id, id FROM tiktok_tiktokpost WHERE video_id = ANY(%(assets)s)
    UNION ALL
    SELECT music_asset_id, id FROM tiktok_tiktokpost WHERE music_asset_id = ANY(%(assets)s)
) AS used (asset_id, post_id)
JOIN tiktok_tiktokpost AS post ON post.id = used.post_id
WHERE post.missing_since IS NULL
ORDER BY asset_id, post.last_seen_at DESC NULLS LAST, post.id
"""

OPEN_REFRESHES = """
INSERT INTO tiktok_linkrefresh
    (id, {thing}_id, status, priority, attempts, error, error_code, misses, assets_refreshed,
     assets_gone)
SELECT id, thing, 'pending', %(priority)s, 0, '', '', 0, 0, 0
FROM unnest(%(ids)s::uuid[], %(things)s::uuid[]) AS fresh (id, thing)
ORDER BY thing
ON CONFLICT DO NOTHING
RETURNING id
"""


def refresh_links(asset_ids: Sequence[UUID]) -> int:
    """Have fresh links fetched for these assets, those of them that wait for some.

    One call per post, or profile, for all its dead files; one at a time. Files that nothing shows
    any more, and files whose fresh links were refused again and again, end as failed. Returns how
    many refreshes were opened.
    """
    dead = waiting_for_links().filter(pk__in=asset_ids).values_list("pk", "priority")
    urgency: dict[UUID, int] = dict(dead)
    if not urgency:
        return 0
    posts = _posts_of(urgency)
    profiles = _profiles_of(urgency.keys() - posts.keys())
    if orphans := urgency.keys() - posts.keys() - profiles.keys():
        source_gone(list(orphans), "Nothing that we know of shows this file any more.")
    return _open("post", posts, urgency) + _open("profile", profiles, urgency)


def waiting_for_links() -> QuerySet[CacheAsset]:
    """Assets all of whose links were refused."""
    return CacheAsset.objects.filter(status=Status.BLOCKED, error_code="link_dead")


def _posts_of(assets: Iterable[UUID]) -> dict[UUID, UUID]:
    with connection.cursor() as cursor:
        cursor.execute(POSTS_OF_ASSETS, {"assets": list(assets)})
        return dict(cursor.fetchall())


def _profiles_of(assets: Iterable[UUID]) -> dict[UUID, UUID]:
    shown = TikTokProfile.objects.filter(avatar__in=list(assets), missing_since=None)
    return dict(shown.order_by("-pk").values_list("avatar_id", "pk"))


def _open(thing: str, things: dict[UUID, UUID], urgency: dict[UUID, int]) -> int:
    """Open a refresh per post or profile, unless one is open or it had enough of them today."""
    used_up = _refreshed_too_often(thing, set(things.values()))
    refused = [asset for asset, owner in things.items() if owner in used_up]
    if refused:
        source_gone(refused, f"Fresh links were refused {PER_DAY} times a day.", code="link_dead")
    wanted = sorted(set(things.values()) - used_up)
    if not wanted:
        return 0
    params: dict[str, Any] = {
        "ids": [uuid7() for _ in wanted],
        "things": wanted,
        "priority": min(urgency[asset] for asset in things),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OPEN_REFRESHES.format(thing=thing), params)
        opened = [pk for (pk,) in cursor.fetchall()]
        if opened:
            transaction.on_commit(lambda: faults.point("links.opened"))
        wake(LinkRefresh, opened)
    return len(opened)


def _refreshed_too_often(thing: str, things: set[UUID]) -> set[UUID]:
    done = LinkRefresh.objects.filter(
        **{f"{thing}__in": things},
        status=Status.COMPLETED,
        completed_at__gte=Now() - timedelta(days=1),
    )
    counted = done.values_list(f"{thing}_id").annotate(times=Count("pk"))
    return {pk for pk, times in counted if times >= PER_DAY}


def refresh(rows: list[LinkRefresh]) -> None:
    """The step of the flow. Raises NotNow and ScrapeError, which end the row as they should."""
    for row in rows:
        faults.point("links.claimed")
        try:
            if row.post_id:
                _refresh_post(row, TikTokPost.objects.select_related("profile").get(pk=row.post_id))
            elif row.profile_id:
                _refresh_profile(row, TikTokProfile.objects.get(pk=row.profile_id))
        except (TikTokPost.DoesNotExist, TikTokProfile.DoesNotExist):
            row.finish()


LINK_FLOW = Flow(LinkRefresh, refresh, lanes=4)


def _refresh_post(row: LinkRefresh, post: TikTokPost) -> None:
    dead = _dead_of_post(post.pk)
    try:
        with scraper(profile_id=post.profile_id) as client:
            found = client.video(url_of(post)).post
    except ScrapeError as exc:
        if not _is_gone(row, exc, dead):
            return
        mark_missing(post)
        refresh_links(dead)  # another post may show the same sound; the others end here
        row.finish(misses=row.misses, assets_gone=_ended(dead))
        return
    faults.point("links.post_fetched")
    store_found(post, found, None, priority=Priority(row.priority))
    faults.point("links.post_stored")
    _finish(row, dead, f"The post no longer shows this file: {url_of(post)}")


def _refresh_profile(row: LinkRefresh, profile: TikTokProfile) -> None:
    avatars = [profile.avatar_id] if profile.avatar_id else []
    dead = list(waiting_for_links().filter(pk__in=avatars).values_list("pk", flat=True))
    try:
        with scraper(profile_id=profile.pk) as client:
            found = client.profile(user_id=profile.tiktok_user_id).profile
    except ScrapeError as exc:
        if _is_gone(row, exc, dead):
            gone = source_gone(dead, f"The account is gone: {profile}")
            row.finish(misses=row.misses, assets_gone=gone)
        return
    store_profile(found, captured_at=seen_at(), priority=Priority(row.priority))
    _finish(row, dead, f"{profile} has another picture by now.")


def _dead_of_post(post_id: UUID) -> list[UUID]:
    used = TikTokPost.objects.filter(pk=post_id).values_list(
        "cover_id", "video_id", "music_asset_id"
    )
    assets = {pk for row in used for pk in row if pk}
    assets |= set(Slide.objects.filter(post_id=post_id).values_list("asset_id", flat=True))
    return list(waiting_for_links().filter(pk__in=assets).values_list("pk", flat=True))


def _is_gone(row: LinkRefresh, exc: ScrapeError, dead: list[UUID]) -> bool:
    """Whether the answer is to be believed that the thing is gone; else the row is ended here.

    While calls are stopped for everybody the row waits, at no cost. Raises what may pass by itself.
    """
    if exc.code in GONE:
        row.misses += 1
        if row.misses >= MISSES:
            return True
        row.fail(str(exc), code=exc.code, retryable=True, misses=row.misses)
    elif exc.code in HOLDING:
        row.postpone(exc.retry_after or GATE_WAIT, str(exc), error_code=exc.code)
    elif exc.retryable:
        raise exc
    else:
        source_gone(dead, f"No fresh links can be had: {exc}", code="link_dead")
        row.fail(str(exc), code=exc.code)
    return False


def _finish(row: LinkRefresh, dead: list[UUID], reason: str) -> None:
    """What got no fresh link from a fresh answer will never get one."""
    gone = source_gone(
        list(waiting_for_links().filter(pk__in=dead).values_list("pk", flat=True)), reason
    )
    row.finish(misses=0, assets_refreshed=len(dead) - gone, assets_gone=gone)
    faults.point("links.finished")


def _ended(assets: list[UUID]) -> int:
    return CacheAsset.objects.filter(pk__in=assets, error_code="source_gone").count()


def refresh_forgotten_links() -> int:
    """Assets whose call for fresh links was lost. Returns how many refreshes were opened."""
    idle = waiting_for_links().order_by("created_at").values_list("pk", flat=True)[:BATCH]
    return refresh_links(list(idle))

"""Profiles and posts as people name them, and the work rows that belong to them."""

from __future__ import annotations

from uuid import UUID

from django.db.models.functions import Lower

from carousel.lib.selection import NothingChosen, Selector, register
from media_cache.models import CacheAsset
from ocr.models import Reading
from tiktok.models import UNREAD, TikTokPost, TikTokProfile
from tiktok.scraper.handles import parse_handle, parse_post_url
from tiktok.services.media import assets_of
from tiktok.services.readings import NotAPhotoPost, SlidesUnknown, perform_ocr_for_post


class UnknownProfile(NothingChosen):
    """No profile here goes by that name."""


class UnknownPost(NothingChosen):
    """No post here goes by that id."""


def find_profile(text: str) -> TikTokProfile:
    """The profile with this handle (with or without ``@``, in any case), link or id.

    Who has the handle now goes before who had it once. Raises UnknownProfile.
    """
    if key := _as_uuid(text):
        found = TikTokProfile.objects.filter(pk=key).first()
        if found is None:
            raise UnknownProfile(f"There is no profile with the id {key}.")
        return found
    try:
        handle = parse_handle(text)
    except ValueError as exc:
        raise UnknownProfile(str(exc)) from None
    current = TikTokProfile.objects.alias(folded=Lower("handle")).filter(folded=handle).first()
    found = current or _former_holder(handle)
    if found is None:
        words = f"@{handle} is not among the profiles: add it with `manage.py add_profile {handle}`"
        raise UnknownProfile(words)
    return found


def _former_holder(handle: str) -> TikTokProfile | None:
    """Who had the handle last, if anybody is known to have had it."""
    renamed = TikTokProfile.objects.filter(previous_handles__contains=[handle])
    return renamed.order_by("-updated_at").first()


def find_post(text: str) -> TikTokPost:
    """The post with this id (TikTok's or ours) or full address. Raises UnknownPost."""
    posts = TikTokPost.objects.select_related("profile")
    if key := _as_uuid(text):
        found = posts.filter(pk=key).first()
    else:
        found = posts.filter(tiktok_id=_tiktok_id(text)).first()
    if found is None:
        raise UnknownPost(f"There is no post {text[:200]} here. Its profile may not be added yet.")
    return found


def _tiktok_id(text: str) -> str:
    if text.strip().isdecimal():
        return text.strip()
    try:
        return parse_post_url(text)[2]
    except ValueError as exc:
        raise UnknownPost(str(exc)) from None


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if "-" in text and len(text) == 36 else None
    except ValueError:
        return None


def _assets_of_post(text: str) -> list[UUID]:
    assets = [asset.pk for asset in assets_of(find_post(text))]
    if not assets:
        raise NothingChosen(f"Post {text[:200]} has no files yet.")
    return assets


def _reading_of_post(text: str) -> list[UUID]:
    post = find_post(text)
    if post.reading_id is not None:
        return [post.reading_id]
    try:
        return [perform_ocr_for_post(post).pk]
    except (NotAPhotoPost, SlidesUnknown) as exc:
        raise NothingChosen(str(exc)) from None


def _readings_of_profile(text: str) -> list[UUID]:
    posts = find_profile(text).posts.order_by("-published_at", "-pk")
    for post in posts.filter(UNREAD, slides__position=0):
        perform_ocr_for_post(post)
    found = posts.exclude(reading=None).values_list("reading_id", flat=True)
    readings = [pk for pk in found if pk is not None]
    if not readings:
        raise NothingChosen(f"{find_profile(text)} has no photo posts with known slides.")
    return readings


def register_selectors() -> None:
    """Let the commands of the apps below find files and readings by post and profile."""
    post = "TikTok's id of a post, ours, or its address"
    register(Selector(CacheAsset, "post", "ID", f"the files of a post: {post}", _assets_of_post))
    register(Selector(Reading, "post", "ID", f"a post: {post}", _reading_of_post))
    handle = "the photo posts of a profile: its handle, link or id"
    register(Selector(Reading, "profile", "HANDLE", handle, _readings_of_profile))

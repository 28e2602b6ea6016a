"""A post, or a whole profile, as a ZIP: the files that we keep and a manifest that explains them.

It is made while it is sent. Memory holds a few posts at a time, whatever the profile's size.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from carousel.lib.tabular import keyset
from carousel.lib.zipping import ZipStream
from media_cache.models import CacheAsset
from media_cache.storage import media_storage
from ocr.models import SlideReading
from tiktok.models import PostMetrics, ProfileMetrics, Slide, TikTokPost, TikTokProfile
from tiktok.services.missing import url_of

AT_ONCE = 50  # posts in memory
COUNTS = ("view_count", "like_count", "comment_count", "share_count", "save_count")
NUMBERS = ("viewCount", "likeCount", "commentCount", "shareCount", "saveCount")
PROFILE_COUNTS = ("follower_count", "following_count", "like_count", "video_count")
PROFILE_NUMBERS = ("followerCount", "followingCount", "likeCount", "videoCount")

Json = dict[str, Any]
Troubles = dict[UUID, str]
# The name in the archive, and what is to be found there.
File = tuple[str, CacheAsset]


def archive_post(post: TikTokPost) -> Iterator[bytes]:
    """The bytes of a ZIP with the post's files and ``manifest.json``. Raises NotNow."""
    return _archive(TikTokPost.objects.filter(pk=post.pk), None)


def archive_profile(profile: TikTokProfile) -> Iterator[bytes]:
    """The bytes of a ZIP with the files of all its posts, newest first, its picture, and
    ``manifest.json``. Raises NotNow.
    """
    return _archive(profile.posts.order_by("-published_at", "-id"), profile)


def _archive(posts: QuerySet[TikTokPost], profile: TikTokProfile | None) -> Iterator[bytes]:
    zipped, troubles = ZipStream(), Troubles()
    for name, asset in itertools.chain(_own_files(profile), _files_of(posts)):
        yield from _copied(zipped, name, asset, troubles)
    # At the end, as it tells which copies could not be had.
    yield from zipped.add("manifest.json", _manifest(posts, profile, troubles))
    yield from zipped.end()


def _files_of(posts: QuerySet[TikTokPost]) -> Iterator[File]:
    for chunk in _chunks(posts):
        for post in chunk.posts:
            yield from chunk.files(post)


def _own_files(profile: TikTokProfile | None) -> Iterator[File]:
    if profile is not None and profile.avatar is not None:
        yield f"avatar.{_extension(profile.avatar)}", profile.avatar


def _copied(zipped: ZipStream, name: str, asset: CacheAsset, troubles: Troubles) -> Iterator[bytes]:
    """Append the file; where its bytes can't be had, or are others than were stored, say so."""
    if not asset.storage_key:
        troubles[asset.pk] = asset.error or "No copy has been stored yet."
        return
    chunks = media_storage().chunks(asset.storage_key)
    try:
        first = next(iter(chunks), b"")
    except FileNotFoundError:
        troubles[asset.pk] = "The copy is not in the storage."
        return
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for part in itertools.chain([first], chunks):
            digest.update(part)
            yield part

    yield from zipped.add(name, hashed(), modified=asset.stored_at)
    if asset.sha256 and digest.hexdigest() != asset.sha256:
        troubles[asset.pk] = f"The copy has changed: its sha256 is {digest.hexdigest()}."


# --- The manifest ----------------------------------------------------------------------------


def _manifest(
    posts: QuerySet[TikTokPost], profile: TikTokProfile | None, troubles: Troubles
) -> Iterator[bytes]:
    """``{"createdAt", "profile", "posts": […]}``, a post at a time."""
    head: Json = {"createdAt": _iso(datetime.now(UTC))}
    head["profile"] = None if profile is None else _profile(profile, troubles)
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2].encode() + b',\n "posts": ['
    separator = b"\n"
    for chunk in _chunks(posts):
        for post in chunk.posts:
            yield separator + json.dumps(chunk.entry(post, troubles), ensure_ascii=False).encode()
            separator = b",\n"
    yield b"\n]}\n"


def _profile(profile: TikTokProfile, troubles: Troubles) -> Json:
    snapshots = ProfileMetrics.objects.filter(profile=profile).order_by("captured_at")
    return {
        "id": str(profile.pk),
        "tiktokUserId": profile.tiktok_user_id,
        "handle": profile.handle,
        "previousHandles": profile.previous_handles,
        "nickname": profile.nickname,
        "bio": profile.bio,
        "url": profile.url,
        "files": [_file(name, asset, troubles) for name, asset in _own_files(profile)],
        "metrics": [
            {"capturedAt": _iso(at), **dict(zip(PROFILE_NUMBERS, numbers, strict=True))}
            for at, *numbers in snapshots.values_list("captured_at", *PROFILE_COUNTS).iterator()
        ],
    }


def _file(name: str, asset: CacheAsset, troubles: Troubles) -> Json:
    """An entry about a file. ``name`` is null where it isn't in the archive."""
    told: Json = {
        "name": name if asset.storage_key else None,
        "kind": asset.kind,
        "contentType": asset.content_type,
        "byteSize": asset.byte_size,
        "sha256": asset.sha256,
        "width": asset.width,
        "height": asset.height,
    }
    if asset.pk in troubles:
        told["trouble"] = troubles[asset.pk]
        if not troubles[asset.pk].startswith("The copy has changed"):
            told["name"] = None
    return told


class _Chunk:
    """Some posts and what hangs on them: three queries for any number of posts."""

    def __init__(self, posts: Sequence[TikTokPost]) -> None:
        self.posts = posts
        keys = [post.pk for post in posts]
        self.slides: dict[UUID, list[Slide]] = defaultdict(list)
        shown = Slide.objects.filter(post__in=keys).select_related("asset")
        for slide in shown.order_by("post", "position"):
            self.slides[slide.post_id].append(slide)
        read = SlideReading.objects.filter(reading__in=[post.reading_id for post in posts])
        self.texts = {(text.reading_id, text.position): text for text in read.order_by()}
        self.snapshots: dict[UUID, list[Json]] = defaultdict(list)
        seen = PostMetrics.objects.filter(post__in=keys).order_by("captured_at")
        for post, at, *numbers in seen.values_list("post_id", "captured_at", *COUNTS):
            snapshot = {"capturedAt": _iso(at), **dict(zip(NUMBERS, numbers, strict=True))}
            self.snapshots[post].append(snapshot)

    def files(self, post: TikTokPost) -> Iterator[File]:
        """Its slides in their order, then cover, video and sound."""
        for slide in self.slides[post.pk]:
            name = f"slide-{slide.position + 1:02}"
            yield f"{post.tiktok_id}/{name}.{_extension(slide.asset)}", slide.asset
        others = {"cover": post.cover, "video": post.video, "sound": post.music_asset}
        for name, asset in others.items():
            if asset is not None:
                yield f"{post.tiktok_id}/{name}.{_extension(asset)}", asset

    def entry(self, post: TikTokPost, troubles: Troubles) -> Json:
        """What the manifest says about a post."""
        files = [_file(name, asset, troubles) for name, asset in self.files(post)]
        count = len(self.slides[post.pk])
        category = post.reading.category if post.reading else None
        return {
            "id": str(post.pk),
            "tiktokId": post.tiktok_id,
            "handle": post.profile.handle,
            "url": url_of(post),
            "contentType": post.content_type,
            "title": post.title,
            "description": post.caption,
            "publishedAt": _iso(post.published_at),
            "hashtags": post.hashtags,
            "mentions": post.mentions,
            "category": category.name if category else None,
            **{name: getattr(post, path) for name, path in zip(NUMBERS, COUNTS, strict=True)},
            "music": {"title": post.music_title, "author": post.music_author},
            "slides": [
                {**self._slide(post, slide), "file": file}
                for slide, file in zip(self.slides[post.pk], files, strict=False)
            ],
            "files": files[count:],
            "metrics": self.snapshots[post.pk],
        }

    def _slide(self, post: TikTokPost, slide: Slide) -> Json:
        text = self.texts.get((post.reading_id, slide.position)) if post.reading_id else None
        return {
            "position": slide.position,
            "text": text.text if text else None,
            "description": text.description if text else None,
            "slideType": (text.slide_type or None) if text else None,
            "source": (text.source or None) if text else None,
        }


def _chunks(posts: QuerySet[TikTokPost]) -> Iterator[_Chunk]:
    related = ("profile", "cover", "video", "music_asset", "reading__category")
    for keys in keyset(posts, size=AT_ONCE):
        found = TikTokPost.objects.select_related(*related).in_bulk(keys)
        yield _Chunk([found[key] for key in keys if key in found])


def _extension(asset: CacheAsset) -> str:
    """As our copy has it; ``bin`` where there is none."""
    return asset.storage_key.rpartition(".")[2] or "bin"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()[:-6] + "Z"

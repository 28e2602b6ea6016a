"""Photo posts of the sandbox's world, stored as ours: what Gemini's stand-in can really read."""

from __future__ import annotations

import hashlib
import io
import time
from typing import Any

from carousel.lib.work import Priority, Status
from carousel.sandbox import draw
from carousel.sandbox.posts import Post
from media_cache.models import CacheAsset
from media_cache.storage import media_storage, scratch_folder
from ocr import services
from ocr.models import Reading


def photo_posts(box: Any, count: int, handle: str = "creator.1", *, start: int = 0) -> list[Post]:
    """Posts of one creator, as the sandbox knows them."""
    creator = box.world.by_handle(handle)
    photos = [post for post in creator.posts(time.time()) if post.is_photo]
    return photos[start : start + count]


def stored(post: Post, *, priority: Priority = Priority.SCHEDULE, size: int = 270) -> Reading:
    """The post's slides as stored pictures, ``size`` pixels wide, and a reading of them."""
    ids = []
    for slide in post.slides:
        picture = draw.slide(post, slide.position)
        out = io.BytesIO()
        picture.resize((size, size * picture.height // picture.width)).save(out, "JPEG")
        digest = hashlib.sha256(out.getvalue()).hexdigest()
        key = f"{digest[:2]}/{digest}.jpg"
        path = scratch_folder() / digest
        path.write_bytes(out.getvalue())
        media_storage().put(key, path, "image/jpeg", digest)
        asset = CacheAsset.objects.create(
            kind="image",
            source_key=f"{post.id}-{slide.position}",
            status=Status.COMPLETED,
            storage_key=key,
            sha256=digest,
            content_type="image/jpeg",
            byte_size=len(out.getvalue()),
        )
        ids.append(asset.pk)
    return services.request_reading(ids, context=post.caption, priority=priority)


def said(reading: Reading) -> list[str | None]:
    """What was read, slide by slide."""
    return list(reading.slides.order_by("position").values_list("text", flat=True))


def truth(post: Post, box: Any) -> list[str]:
    """What there is to read."""
    return [box.world.text_of(slide) for slide in post.slides]

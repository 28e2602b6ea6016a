"""A reader that answers as a test says, and pictures that are stored as it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.signals import assets_settled
from media_cache.storage import media_storage, scratch_folder
from ocr import services
from ocr.engine import Context, PostRequest, PostResult, SlideResult
from ocr.models import Reading

Answer = Callable[[PostRequest], PostResult]


def says(label: str, text: str = "", **fields: Any) -> SlideResult:
    values = {"description": "d", "slide_type": "content", "language": "en", "confidence": 0.9}
    return SlideResult(label=label, text=text or f"text {label}", **{**values, **fields})


def everything(post: PostRequest) -> PostResult:
    slides = tuple(says(slide.label) for slide in post.slides)
    return PostResult(post.key, slides, "Fitness", 0.8, "m-1", 100, 10, Decimal("0.00001"))


class Script:
    """A reader that answers as a test says and remembers what it was asked."""

    name = "script"
    model = "m"
    prompt_version = "1"
    max_posts, max_images, max_bytes = 8, 64, 10**8

    def __init__(self) -> None:
        self.answer: Answer = everything
        self.asked: list[tuple[str, list[str]]] = []

    def read(self, posts: Sequence[PostRequest], context: Context) -> list[PostResult]:
        self.asked += [(post.key, [slide.label for slide in post.slides]) for post in posts]
        return [self.answer(post) for post in posts]


def pictures(count: int, name: str = "p") -> list[UUID]:
    assets = CacheAsset.objects.bulk_create(
        CacheAsset(kind="image", source_key=f"{name}{number}") for number in range(count)
    )
    return [asset.pk for asset in assets]


def store(*ids: UUID) -> None:
    path = scratch_folder() / "picture"
    path.write_bytes(b"bytes")
    media_storage().put("pp/picture.jpg", path, "image/jpeg", "")
    CacheAsset.objects.filter(pk__in=ids).update(
        status=Status.COMPLETED, storage_key="pp/picture.jpg", content_type="image/jpeg"
    )
    assets_settled.send(CacheAsset, asset_ids=list(ids))


def fail(*ids: UUID) -> None:
    CacheAsset.objects.filter(pk__in=ids).update(status=Status.FAILED, error_code="not_found")
    assets_settled.send(CacheAsset, asset_ids=list(ids))


def reading_of(ids: Sequence[UUID]) -> Reading:
    return services.request_reading(ids, context="a caption", language="en")


def texts(reading: Reading) -> list[str | None]:
    return list(reading.slides.order_by("position").values_list("text", flat=True))


def current(reading: Reading) -> Reading:
    return Reading.objects.get(pk=reading.pk)

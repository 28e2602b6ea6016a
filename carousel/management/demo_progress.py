"""How far the demo is, counted in the database, and how true its texts are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from carousel.lib.work import Status
from media_cache.models import CacheAsset
from ocr.models import Reading, SlideReading
from tiktok.models import ApiCall, ProfileMonitoringLog, Slide, TikTokPost, TikTokProfile

OPEN = Q(status__in=(Status.BLOCKED, Status.PENDING, Status.RUNNING))
HEIC = ("image/heic", "image/heif", "image/avif")


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of what there is and of what has come to its end."""

    profiles: int
    posts: int
    slides: int
    files: int
    stored: int
    converted: int
    read: int
    failed: int
    waiting: int  # rows of any kind that are not at their end
    credits: int

    @property
    def settled(self) -> bool:
        return self.posts > 0 and self.waiting == 0

    @property
    def complete(self) -> bool:
        return self.settled and self.failed == 0 and self.read == self.slides

    @property
    def line(self) -> str:
        return (
            f"{self.profiles} profiles, {self.posts} posts; files stored "
            f"{self.stored}/{self.files}, slides read {self.read}/{self.slides}, "
            f"failed {self.failed}"
        )


def measure() -> Progress:
    """Count everything, in six queries."""
    assets = CacheAsset.objects.aggregate(
        files=Count("pk"),
        stored=Count("pk", filter=~Q(storage_key="")),
        converted=Count("pk", filter=Q(original_content_type__in=HEIC) & ~Q(storage_key="")),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        waiting=Count("pk", filter=OPEN),
    )
    work = {"failed": Count("pk", filter=Q(status=Status.FAILED)), "open": Count("pk", filter=OPEN)}
    readings = Reading.objects.aggregate(**work)
    runs = ProfileMonitoringLog.objects.aggregate(**work)
    return Progress(
        profiles=TikTokProfile.objects.count(),
        posts=TikTokPost.objects.count(),
        slides=Slide.objects.count(),
        files=assets["files"],
        stored=assets["stored"],
        converted=assets["converted"],
        read=SlideReading.objects.filter(text__isnull=False).count(),
        failed=assets["failed"] + readings["failed"] + runs["failed"],
        waiting=assets["waiting"] + readings["open"] + runs["open"],
        credits=ApiCall.objects.aggregate(total=Sum("credits"))["total"] or 0,
    )


def text_accuracy(profiles: Iterable[dict[str, Any]]) -> float | None:
    """The share of characters that were read as the sandbox drew them, from 0 to 1.

    Without regard to case and to how the white space falls. None if there is nothing to compare.
    """
    read = dict(
        TikTokPost.objects.filter(reading__slides__text__isnull=False).values_list(
            "tiktok_id", "reading_id"
        )
    )
    texts = {
        (reading, position): text or ""
        for reading, position, text in SlideReading.objects.values_list(
            "reading_id", "position", "text"
        )
    }
    right = total = 0
    for profile in profiles:
        for post in profile["posts"]:
            for position, slide in enumerate(post["slides"] if post["id"] in read else ()):
                truth = _plain(slide["text"])
                ours = _plain(texts.get((read[post["id"]], position), ""))
                total += len(truth)
                right += _matching(truth, ours)
    return right / total if total else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _matching(truth: str, ours: str) -> int:
    """How many characters of the truth are found in order; what is too much counts against it."""
    blocks = difflib.SequenceMatcher(None, truth, ours, autojunk=False).get_matching_blocks()
    found = sum(block.size for block in blocks)
    return max(0, found - max(0, len(ours) - len(truth)))


def summary(progress: Progress, seconds: float, accuracy: float | None) -> list[str]:
    """The closing table."""
    rows = [
        ("profiles", f"{progress.profiles}"),
        ("posts", f"{progress.posts}"),
        ("slides", f"{progress.slides}"),
        ("files stored", f"{progress.stored} of {progress.files}"),
        ("converted from HEIC", f"{progress.converted}"),
        ("slides read", f"{progress.read}"),
        ("failed", f"{progress.failed}"),
        ("seconds", f"{seconds:.1f}"),
        ("credits", f"{progress.credits}"),
    ]
    if accuracy is not None:
        rows.append(("text as drawn", f"{accuracy:.1%} of characters"))
    width = max(len(name) for name, _ in rows)
    return ["", *(f"  {name:<{width}}  {value}" for name, value in rows)]

"""What must be in the database, by the sandbox's own account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Sum

from media_cache.models import CacheAsset
from ocr.models import SlideReading
from tiktok.models import ApiCall, PostMetrics, ProfileMetrics, TikTokPost, TikTokProfile

TOTALS = {
    "total_views": "view_count",
    "total_likes": "like_count",
    "total_comments": "comment_count",
    "total_shares": "share_count",
    "total_saves": "save_count",
}


def check_posts(sandbox: Any, handles: Iterable[str]) -> None:
    """Each post and slide once, with its text; one snapshot each, as nothing moved; true totals."""
    for handle in handles:
        told = sandbox.truth(handle)
        profile = TikTokProfile.objects.get(tiktok_user_id=told["userId"])
        posts = {post.tiktok_id: post for post in profile.posts.select_related("reading")}
        assert posts.keys() == {post["id"] for post in told["posts"]}, handle
        for expected in told["posts"]:
            _check_slides(posts[expected["id"]], expected)
        _check_totals(profile)
    seen = TikTokPost.objects.annotate(snapshots=Count("metrics"))
    assert set(seen.values_list("snapshots", flat=True)) <= {1}
    assert PostMetrics.objects.count() == TikTokPost.objects.count()
    per_profile = ProfileMetrics.objects.values_list("profile").annotate(times=Count("pk"))
    assert {times for _, times in per_profile} == {1}


def _check_slides(post: TikTokPost, expected: dict[str, Any]) -> None:
    slides = list(post.slides.order_by("position").select_related("asset"))
    assert [slide.position for slide in slides] == list(range(len(expected["slides"]))), post
    if not slides:
        assert post.reading_id is None
        return
    read = SlideReading.objects.filter(reading=post.reading_id).order_by("position")
    texts = list(read.values_list("text", flat=True))
    assert texts == [slide["text"] for slide in expected["slides"]], post


def _check_totals(profile: TikTokProfile) -> None:
    sums = profile.posts.aggregate(**{name: Sum(column) for name, column in TOTALS.items()})
    assert {name: getattr(profile, name) for name in TOTALS} == sums, profile
    assert profile.total_posts == profile.posts.count()


def check_files(storage_folder: Any) -> None:
    """Every asset is stored, each object is there once and whole, and none is there in vain."""
    stored = CacheAsset.objects.values_list("storage_key", "byte_size")
    on_disk = {
        str(path.relative_to(storage_folder)): path.stat().st_size
        for path in storage_folder.glob("??/*")
    }
    assert dict(stored) == on_disk


def check_charges(sandbox: Any, *, deaths: int) -> None:
    """The provider charged what the ledger says, save for calls in flight when their caller died.

    ``deaths`` is how many times a process that may have been calling died.
    """
    charged = sum(call["credits"] for call in sandbox.account.calls)
    settled = ApiCall.objects.exclude(credits=None).aggregate(total=Sum("credits"))["total"] or 0
    unsure = ApiCall.objects.filter(credits=None).aggregate(total=Sum("max_credits"))["total"] or 0
    assert settled <= charged <= settled + unsure
    assert len(sandbox.account.calls) <= ApiCall.objects.count()
    paid = Counter(
        (call["endpoint"], *sorted(call["request_payload"].items()))
        for call in sandbox.account.calls
        if call["credits"]
    )
    twice = sum(times - 1 for times in paid.values())
    assert twice <= deaths, {key: times for key, times in paid.items() if times > 1}

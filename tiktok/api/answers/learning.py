"""What carousels teach, as the API shows it: hooks, patterns, copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from carousel.api.times import iso
from media_cache.api.serializers import Answer, asset_answers
from ocr.models import SlideReading
from tiktok.models import TikTokPost
from tiktok.services.copies import Copy, Use
from tiktok.services.hooks import Hook, HookGroup
from tiktok.services.patterns import MINIMUM, NumberPattern, Patterns, SharePattern

OTHERS_SHOWN = 10
POST = (
    *("id", "profile_id", "profile__handle", "view_count", "published_at"),
    *("insight__outlier_score", "insight__low_confidence"),
)
Rows = Mapping[UUID, Mapping[str, Any]]


def hook_answers(groups: Sequence[HookGroup], base_url: str) -> list[Answer]:
    """Groups in their order, in three queries; those whose head is gone are left out."""
    shown = [(group.head, group.others[:OTHERS_SHOWN]) for group in groups]
    hooks = [hook for head, others in shown for hook in (head, *others)]
    posts = _posts(hook.post_id for hook in hooks)
    slides = SlideReading.objects.in_bulk([hook.slide_reading_id for hook in hooks])
    assets = asset_answers(
        (slides[h.slide_reading_id].asset_id for h, _ in shown if h.slide_reading_id in slides),
        base_url,
    )

    def is_there(hook: Hook) -> bool:
        return hook.post_id in posts and hook.slide_reading_id in slides

    return [
        {
            **_hook(head, posts, slides),
            "asset": assets[slides[head.slide_reading_id].asset_id],
            "posts": 1 + len(group.others),
            "accounts": group.accounts,
            "others": [_hook(one, posts, slides) for one in others if is_there(one)],
        }
        for group, (head, others) in zip(groups, shown, strict=True)
        if is_there(head)
    ]


def _hook(hook: Hook, posts: Rows, slides: Mapping[int, SlideReading]) -> Answer:
    post, slide = posts[hook.post_id], slides[hook.slide_reading_id]
    return {
        "text": hook.text,
        "postId": str(hook.post_id),
        "profileId": str(post["profile_id"]),
        "handle": post["profile__handle"],
        "position": slide.position,
        "slideType": slide.slide_type or None,
        "outlierScore": post["insight__outlier_score"],
        "lowConfidence": post["insight__low_confidence"],
        "viewCount": post["view_count"],
        "publishedAt": iso(post["published_at"]),
    }


def copy_answers(copies: Sequence[Copy], base_url: str) -> list[Answer]:
    """Copies in their order, in three queries."""
    posts = _posts(use.post_id for copy in copies for use in copy.uses)
    firsts = [copy.uses[0].asset_id for copy in copies]
    assets = asset_answers(firsts, base_url)
    read = SlideReading.objects.filter(asset_id__in=firsts, text__isnull=False)
    texts = dict(read.order_by("-pk").values_list("asset_id", "text"))
    answers = []
    for copy in copies:
        uses = [_use(use, posts) for use in copy.uses if use.post_id in posts]
        if not uses:
            continue
        answers.append(
            {
                "sha256": copy.sha256,
                "accounts": copy.accounts,
                "posts": copy.posts,
                "exact": copy.is_exact,
                "asset": assets[copy.uses[0].asset_id],
                "text": texts.get(copy.uses[0].asset_id),
                "first": uses[0],
                "others": uses[1:],
            }
        )
    return answers


def _use(use: Use, posts: Rows) -> Answer:
    post = posts[use.post_id]
    return {
        "postId": str(use.post_id),
        "profileId": str(use.profile_id),
        "handle": post["profile__handle"],
        "position": use.position,
        "exact": use.is_exact,
        "publishedAt": iso(post["published_at"]),
        "viewCount": post["view_count"],
        "outlierScore": post["insight__outlier_score"],
    }


def _posts(keys: Iterable[UUID]) -> Rows:
    return {row["id"]: row for row in TikTokPost.objects.filter(pk__in=set(keys)).values(*POST)}


def patterns_answer(found: Patterns) -> Answer:
    """The report; figures are cut to four decimals."""
    return {
        "posts": found.posts,
        "isCut": found.is_cut,
        "top": found.top,
        "rest": found.rest,
        "threshold": found.threshold,
        "minimum": MINIMUM,
        "numbers": [_compared(one) for one in found.numbers],
        "shares": [
            {**_compared(one), "value": one.value, "posts": one.posts} for one in found.shares
        ],
    }


def _compared(one: NumberPattern | SharePattern) -> Answer:
    return {
        "feature": one.feature,
        "topN": one.top_n,
        "top": round(one.top, 4),
        "restN": one.rest_n,
        "rest": round(one.rest, 4),
        "effect": round(one.difference.effect, 4),
        "interval": [round(one.difference.low, 4), round(one.difference.high, 4)],
        "clear": one.is_clear,
    }

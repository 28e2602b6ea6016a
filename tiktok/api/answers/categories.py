"""Categories, and how many posts each has."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Count

from media_cache.api.serializers import Answer
from ocr.models import PostCategory
from tiktok.models import TikTokPost


def category_answers(keys: Sequence[UUID]) -> list[Answer]:
    """Categories in the order of ``keys``, in two queries; those that are gone are left out."""
    rows = PostCategory.objects.in_bulk(keys)
    posts = TikTokPost.objects.filter(reading__category__in=keys).values("reading__category")
    counted = dict(posts.annotate(n=Count("id")).values_list("reading__category", "n"))
    return [category_answer(rows[key], counted.get(key, 0)) for key in keys if key in rows]


def category_answer(row: PostCategory, posts: int) -> Answer:
    """One category."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "description": row.description,
        "aiGenerated": row.ai_generated,
        "active": row.active,
        "postCount": posts,
    }

"""Categories, and how many posts each has."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Count

from carousel.lib import counts
from media_cache.api.serializers import Answer
from ocr.models import PostCategory, Reading
from tiktok.models import TikTokPost


def category_answers(keys: Sequence[UUID]) -> list[Answer]:
    """Categories in the order of ``keys``, in three queries; those that are gone are left out."""
    rows = PostCategory.objects.in_bulk(keys)
    posts = TikTokPost.objects.filter(reading__category__in=keys).order_by()
    if counts.is_cheap(posts):
        counted = dict(posts.values_list("reading__category").annotate(Count("pk")))
    else:  # through the index alone; a reading whose post was deleted is counted, too
        readings = Reading.objects.filter(category__in=keys).order_by()
        counted = dict(readings.values_list("category").annotate(Count("pk")))
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

"""Slides that a search has found."""

from __future__ import annotations

from collections.abc import Sequence

from carousel.api.times import iso
from media_cache.api.serializers import Answer, asset_answers
from ocr.models import PostCategory, SlideReading
from ocr.search import Term, highlights
from tiktok.models import TikTokPost, TikTokProfile
from tiktok.services.search import Facets, Hit

POST = ("id", "profile__handle", "view_count", "published_at")


def hit_answers(hits: Sequence[Hit], terms: Sequence[Term], base_url: str) -> list[Answer]:
    """Hits in their order, in three queries; those that are gone are left out."""
    slides = SlideReading.objects.in_bulk([hit.slide_reading_id for hit in hits])
    posts = {
        row["id"]: row
        for row in TikTokPost.objects.filter(pk__in=[hit.post_id for hit in hits]).values(*POST)
    }
    assets = asset_answers((slide.asset_id for slide in slides.values()), base_url)
    answers = []
    for hit in hits:
        slide, post = slides.get(hit.slide_reading_id), posts.get(hit.post_id)
        if slide is None or post is None:
            continue
        text = slide.text or ""
        answers.append(
            {
                "postId": str(hit.post_id),
                "handle": post["profile__handle"],
                "position": slide.position,
                "slideType": slide.slide_type or None,
                "text": text,
                "highlights": highlights(text, terms),
                "rank": round(hit.rank, 4),
                "viewCount": post["view_count"],
                "publishedAt": iso(post["published_at"]),
                "asset": assets[slide.asset_id],
            }
        )
    return answers


def facet_answer(facets: Facets) -> Answer:
    """What the hits of a search have in common, most first, in two queries."""
    categories = PostCategory.objects.filter(pk__in=facets.categories)
    names = dict(categories.values_list("pk", "name"))
    profiles = TikTokProfile.objects.filter(pk__in=facets.profiles)
    handles = dict(profiles.values_list("pk", "handle"))
    return {
        "categories": [
            {"id": str(pk), "name": names[pk], "count": count}
            for pk, count in facets.categories.items()
            if pk in names
        ],
        "slideTypes": [
            {"slideType": kind, "count": count} for kind, count in facets.slide_types.items()
        ],
        "profiles": [
            {"id": str(pk), "handle": handles[pk], "count": count}
            for pk, count in facets.profiles.items()
            if pk in handles
        ],
    }

"""Which category a reading gets: a machine's answer, another reading's, or a new one."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from ocr.models import PostCategory, Reading, Source

UNKNOWN = "unknown"


def write_category(reading: Reading, answered: str | None, confidence: float | None) -> None:
    """Keep a machine's answer, None for unknown; what a person chose stays."""
    mine = Reading.objects.filter(pk=reading.pk).exclude(category_source=Source.HUMAN)
    name = (answered or "").strip()
    if not name or name.casefold() == UNKNOWN:
        mine.update(category=None, category_confidence=None, category_source=Source.AI)
        return
    category = PostCategory.objects.filter(name__iexact=name).first()
    if category is None:
        category, _ = PostCategory.objects.get_or_create(
            name__iexact=name,
            defaults={
                "name": name[:80],
                "ai_generated": True,
                "active": settings.OCR_NEW_CATEGORIES == "accept",
            },
        )
    if category.active:
        mine.update(category=category, category_confidence=confidence, category_source=Source.AI)
    else:
        mine.update(proposed_category=category, category_confidence=confidence)


def inherit_category(reading: Reading, source: UUID) -> None:
    """Take over how the post was judged that all pictures come from; a person's choice stays."""
    judged = Reading.objects.filter(pk=source).values(
        "category_id", "proposed_category_id", "category_confidence", "category_source"
    )
    if (values := judged.first()) is not None:
        judge = Source.AI if values["category_source"] else ""
        mine = Reading.objects.filter(pk=reading.pk).exclude(category_source=Source.HUMAN)
        mine.update(**{**values, "category_source": judge})

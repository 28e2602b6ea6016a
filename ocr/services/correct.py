"""What a person decides; no machine overwrites it."""

from __future__ import annotations

from typing import Any

from ocr.fold import searchable
from ocr.models import PostCategory, Reading, SlideReading, SlideType, Source
from ocr.services.request import name_slides


def correct_slide(
    reading: Reading, position: int, *, text: str | None = None, slide_type: str | None = None
) -> SlideReading:
    """Set a slide's text, its type, or both.

    Raises SlideReading.DoesNotExist if the reading has no such position and ValueError for an
    unknown type.
    """
    changes: dict[str, Any] = {}
    if text is not None:
        changes |= {
            **{"text": text, "search_text": searchable(text)},
            **{"error": "", "error_code": ""},
        }
    if slide_type is not None:
        changes["slide_type"] = SlideType(slide_type)
    name_slides([reading])
    slides = SlideReading.objects.filter(reading=reading, position=position)
    if changes:
        slides.update(**changes, source=Source.HUMAN, confidence=None)
    return slides.get()


def set_category(reading: Reading, category: PostCategory | None) -> None:
    """Set the category, or say that none fits."""
    Reading.objects.filter(pk=reading.pk).update(
        category=category,
        category_confidence=None,
        category_source=Source.HUMAN,
        proposed_category=None,
    )

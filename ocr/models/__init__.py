"""Readings: what an ordered list of pictures says. Knows pictures, but no profiles and posts."""

from __future__ import annotations

from ocr.models.category import PostCategory
from ocr.models.reader import Reader
from ocr.models.reading import PictureClaim, Reading, SlideReading, SlideType, Source

__all__ = [
    "PictureClaim",
    "PostCategory",
    "Reader",
    "Reading",
    "SlideReading",
    "SlideType",
    "Source",
]

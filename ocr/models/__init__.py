"""Readings: what an ordered list of pictures says. Knows pictures, but no profiles and posts."""

from __future__ import annotations

from ocr.models.batch import BatchJob
from ocr.models.category import CategoryChange, FormerCategoryName, PostCategory
from ocr.models.reader import Reader
from ocr.models.reading import PictureClaim, Reading, SlideReading, SlideType, Source
from ocr.models.spending import Mode, ModelCall, ReaderGate

__all__ = [
    "BatchJob",
    "CategoryChange",
    "FormerCategoryName",
    "Mode",
    "ModelCall",
    "PictureClaim",
    "PostCategory",
    "Reader",
    "ReaderGate",
    "Reading",
    "SlideReading",
    "SlideType",
    "Source",
]

"""Readings, categories, and what they cost, in the admin."""

from __future__ import annotations

from ocr.admin.categories import CategoryChangeAdmin, PostCategoryAdmin
from ocr.admin.readings import ReadingAdmin
from ocr.admin.spending import BatchJobAdmin, ModelCallAdmin, ReaderGateAdmin

__all__ = [
    "BatchJobAdmin",
    "CategoryChangeAdmin",
    "ModelCallAdmin",
    "PostCategoryAdmin",
    "ReaderGateAdmin",
    "ReadingAdmin",
]

"""Ask for pictures to be read, read them, and let a person correct what was read."""

from __future__ import annotations

from ocr.fold import fold, fold_with_offsets
from ocr.services.batches import return_orphans
from ocr.services.batching import BATCHES
from ocr.services.categories import (
    CategoryTaken,
    accept_category,
    find_category,
    merge_categories,
    rename_category,
    undo_merge,
)
from ocr.services.correct import correct_slide, set_category
from ocr.services.gate import Spending, Stopped, open_gate, reading_stopped, spending
from ocr.services.reading import FLOW, read
from ocr.services.request import (
    ReadingRequest,
    read_again,
    release,
    request_reading,
    request_readings,
)
from ocr.services.rereading import Choice, Estimate, Manner, estimate_price, rerun
from ocr.services.scores import Labelled, Scores, score

__all__ = [
    "BATCHES",
    "FLOW",
    "CategoryTaken",
    "Choice",
    "Estimate",
    "Labelled",
    "Manner",
    "ReadingRequest",
    "Scores",
    "Spending",
    "Stopped",
    "accept_category",
    "correct_slide",
    "estimate_price",
    "find_category",
    "fold",
    "fold_with_offsets",
    "merge_categories",
    "open_gate",
    "read",
    "read_again",
    "reading_stopped",
    "release",
    "rename_category",
    "request_reading",
    "request_readings",
    "rerun",
    "return_orphans",
    "score",
    "set_category",
    "spending",
    "undo_merge",
]

"""Rows as the API shows them: plain dicts, built from few queries whatever the page's size."""

from __future__ import annotations

from tiktok.api.answers.categories import category_answer, category_answers
from tiktok.api.answers.hits import facet_answer, hit_answers
from tiktok.api.answers.posts import post_answer, post_answers
from tiktok.api.answers.profiles import profile_answer, profile_answers
from tiktok.api.answers.runs import monitoring_answer, run_answer, run_answers

__all__ = [
    "category_answer",
    "category_answers",
    "facet_answer",
    "hit_answers",
    "monitoring_answer",
    "post_answer",
    "post_answers",
    "profile_answer",
    "profile_answers",
    "run_answer",
    "run_answers",
]

"""What can be done with profiles and posts. The doors (API, admin, commands, tasks) call these."""

from __future__ import annotations

from tiktok.services.adding import Added, BadHandle, add_profile
from tiktok.services.adding_queued import IMPORT_FLOW, add_queued, queue_profiles
from tiktok.services.budgets import Budget, BudgetExhausted, budgets
from tiktok.services.gate import CallsStopped, calls_stopped
from tiktok.services.links import (
    LINK_FLOW,
    refresh,
    refresh_forgotten_links,
    refresh_links,
    waiting_for_links,
)
from tiktok.services.media import assets_of, request_post_media
from tiktok.services.monitoring import FLOW, run_monitoring
from tiktok.services.profiles import delete_profile, store_profile
from tiktok.services.readings import (
    NotAPhotoPost,
    OcrOutcome,
    SlidesUnknown,
    correct_slide,
    perform_batch_ocr,
    perform_ocr_for_post,
    read_forgotten_posts,
    set_post_category,
)
from tiktok.services.reconciling import reconcile_calls
from tiktok.services.runs import MonitoringChange, plan_due_runs, set_monitoring, trigger_run
from tiktok.services.scheduling import adjust_price, is_adaptive, next_run_reason, plan_next_look
from tiktok.services.scraping import credit_balance, scraper

__all__ = [
    "FLOW",
    "IMPORT_FLOW",
    "LINK_FLOW",
    "Added",
    "BadHandle",
    "Budget",
    "BudgetExhausted",
    "CallsStopped",
    "MonitoringChange",
    "NotAPhotoPost",
    "OcrOutcome",
    "SlidesUnknown",
    "add_profile",
    "add_queued",
    "adjust_price",
    "assets_of",
    "budgets",
    "calls_stopped",
    "correct_slide",
    "credit_balance",
    "delete_profile",
    "is_adaptive",
    "next_run_reason",
    "perform_batch_ocr",
    "perform_ocr_for_post",
    "plan_due_runs",
    "plan_next_look",
    "queue_profiles",
    "read_forgotten_posts",
    "reconcile_calls",
    "refresh",
    "refresh_forgotten_links",
    "refresh_links",
    "request_post_media",
    "run_monitoring",
    "scraper",
    "set_monitoring",
    "set_post_category",
    "store_profile",
    "trigger_run",
    "waiting_for_links",
]

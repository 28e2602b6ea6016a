"""Doors for Celery: one line each."""

from __future__ import annotations

from celery import shared_task

from carousel.lib.drain import drain
from carousel.lib.drain import sweep as wake_due
from tiktok import services
from tiktok.models import LinkRefresh, ProfileImport, ProfileMonitoringLog


@shared_task
def run_monitoring(ids: list[str]) -> None:
    drain(services.FLOW, ids)


@shared_task
def refresh_links(ids: list[str]) -> None:
    drain(services.LINK_FLOW, ids)


@shared_task
def import_profiles(ids: list[str]) -> None:
    drain(services.IMPORT_FLOW, ids)


@shared_task
def sweep() -> None:
    """Plan what is due, and wake workers for whatever waits, also if its message was lost."""
    services.plan_due_runs()
    services.refresh_forgotten_links()
    services.read_forgotten_posts()
    services.reconcile_calls()
    services.adjust_price()
    wake_due(ProfileMonitoringLog)
    wake_due(LinkRefresh)
    wake_due(ProfileImport)

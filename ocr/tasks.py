"""Doors for Celery: one line each."""

from __future__ import annotations

from celery import shared_task

from carousel.lib import drain
from ocr.models import BatchJob, Reading
from ocr.services import BATCHES, FLOW, release, return_orphans


@shared_task
def read(ids: list[str]) -> None:
    drain.drain(FLOW, ids)


@shared_task
def run_batches(ids: list[str]) -> None:
    drain.drain(BATCHES, ids)


@shared_task
def sweep() -> None:
    """Look for what a lost message or signal would have started."""
    release()
    return_orphans()
    drain.sweep(Reading)
    drain.sweep(BatchJob)

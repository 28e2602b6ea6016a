"""Tasks that belong to no app."""

from __future__ import annotations

from celery import shared_task

from carousel import heartbeat as heart


@shared_task
def heartbeat(queue: str) -> None:
    """Prove that ``queue`` is consumed."""
    heart.beat(queue)

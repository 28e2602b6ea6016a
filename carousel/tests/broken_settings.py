"""Settings of a worker that knows the tasks of ``broken_tasks``."""

from __future__ import annotations

from carousel.settings import *  # noqa: F403

CELERY_IMPORTS = ("carousel.tests.broken_tasks",)
CELERY_WORKER_LOST_WAIT = 0.5  # seconds until a dead child is believed to be dead

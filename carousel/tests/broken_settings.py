"""Settings of a worker that knows the tasks of ``broken_tasks``."""

from __future__ import annotations

from carousel.settings import *  # noqa: F403

CELERY_IMPORTS = ("carousel.tests.broken_tasks",)

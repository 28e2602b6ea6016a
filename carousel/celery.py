"""The Celery app: the messenger. What is to be done is written in the database."""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from carousel import observability
from carousel.lib.stopping import ask_to_stop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carousel.settings")


class Loader(AppLoader):
    """Reads the settings; those that can't work end a worker or beat with one line."""

    def config_from_object(self, obj: Any, silent: bool = False) -> Any:
        """As Celery's. Raises SystemExit."""
        try:
            return super().config_from_object(obj, silent=silent)
        except ImproperlyConfigured as error:
            sys.exit(f"carousel: {error}")


STOP_SECONDS = 5  # beyond the time limit of the task in hand


def end_in_time(*_: object, **__: object) -> None:
    """Let a worker that was asked to stop end even if its pool does not.

    Celery waits without limit for a child that is frozen, and at times for one that was killed.
    What was in hand is picked up again when its lease runs out. Standard error tells where it hung.
    """
    limit = settings.CELERY_TASK_TIME_LIMIT + STOP_SECONDS
    faulthandler.dump_traceback_later(limit, exit=True, file=2)


app = Celery("carousel", loader="carousel.celery:Loader")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

worker_shutting_down.connect(ask_to_stop, dispatch_uid="carousel.stop")
worker_shutting_down.connect(end_in_time, dispatch_uid="carousel.end")
observability.watch_celery()

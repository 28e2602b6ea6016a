"""The Celery app: the messenger. What is to be done is written in the database."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_shutting_down

from carousel import observability
from carousel.lib.stopping import ask_to_stop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carousel.settings")

app = Celery("carousel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

worker_shutting_down.connect(ask_to_stop, dispatch_uid="carousel.stop")
observability.watch_celery()

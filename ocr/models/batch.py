"""Many readings in one job of a paid reader's batch service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models

from carousel.lib.work import Work
from ocr.models.reader import Reader
from ocr.models.spending import ModelCall


class BatchJob(Work):
    """One job: it gathers readings, is sent once, and is looked at until it is done.

    It gathers while it is pending and has no ``plan``. ``asked_at`` without a ``name`` means that
    it may have been created: then it is looked for by ``display_name``, because creating it twice
    would be paid twice.
    """

    QUEUE = "ocr"
    TASK = "ocr.tasks.run_batches"
    BACKOFF = timedelta(seconds=60)

    reader = models.ForeignKey(Reader, on_delete=models.PROTECT, related_name="+", db_index=False)
    display_name = models.CharField(max_length=80, unique=True, editable=False)
    plan: models.JSONField[dict[str, Any] | None] = models.JSONField(null=True, editable=False)
    asked_at = models.DateTimeField(null=True, editable=False)
    name = models.CharField(max_length=200, blank=True, default="", editable=False)
    submitted_at = models.DateTimeField(null=True, editable=False)
    told = models.CharField(max_length=40, blank=True, default="", editable=False)  # its last state
    posts = models.PositiveIntegerField(default=0, editable=False)
    images = models.PositiveIntegerField(default=0, editable=False)
    call = models.OneToOneField(
        ModelCall, null=True, editable=False, on_delete=models.SET_NULL, related_name="job"
    )

    class Meta(Work.Meta):
        indexes = [
            *Work.Meta.indexes,
            models.Index(fields=["-created_at"], name="batchjob_newest"),
        ]

    def __str__(self) -> str:
        return self.display_name

"""What requests cost, and whether they may be made."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from carousel.lib.ids import uuid7


class Mode(models.TextChoices):
    DIRECT = "direct"
    BATCH = "batch"  # half the price, an answer within a day


class ModelCall(models.Model):
    """The ledger: one row per paid request, written before it is sent and settled after.

    ``cost_usd`` null: it may be billed, ``reserved_usd`` at most. That holds while the request is
    under way (not settled), and where nobody can tell: after a timeout, or as its worker died.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    day = models.DateField()  # UTC: whose budget it is taken from
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.DIRECT)
    model = models.CharField(max_length=80)
    posts = models.PositiveIntegerField()
    images = models.PositiveIntegerField()
    reserved_usd = models.DecimalField(max_digits=14, decimal_places=8)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, null=True)
    error_code = models.CharField(max_length=40, blank=True, default="")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "model call"
        indexes = [models.Index(fields=["-started_at"], name="modelcall_newest")]

    def __str__(self) -> str:
        return f"{self.model} {self.mode} {self.images} images"


class ReaderGate(models.Model):
    """Whether slides may be read, and how much of today's budget is taken: one row for all
    workers.

    A person pauses it. An answer that any other request would get too (a refused key, no quota at
    all) closes it with a code; one request every few minutes finds out whether it may open again.
    ``committed_usd`` is what the requests of ``day`` cost, or may cost while they are not settled.
    """

    ONLY: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    paused = models.BooleanField(default=False, help_text="Read nothing until this is cleared.")
    closed_code = models.CharField(max_length=40, blank=True, default="", editable=False)
    closed_reason = models.TextField(blank=True, default="", editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    probe_at = models.DateTimeField(null=True, editable=False)  # when the next one is let through
    day = models.DateField(null=True, editable=False)
    committed_usd = models.DecimalField(
        max_digits=14, decimal_places=8, default=Decimal(0), editable=False
    )

    refused_at = models.DateTimeField(null=True, editable=False)  # last one too dear for the day

    class Meta:
        verbose_name = verbose_name_plural = "reading switch and budget"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_reader_gate")]

    def __str__(self) -> str:
        if self.paused:
            return "paused by a person"
        return f"closed: {self.closed_code}" if self.closed_code else "open"

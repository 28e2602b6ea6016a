"""What calls cost, and whether they may be made."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from tiktok.models.profile import TikTokProfile
from tiktok.models.run import ProfileMonitoringLog


class ApiCall(models.Model):
    """The ledger: one row per call to ScrapeCreators, written before the call and settled after.

    ``credits`` null: it may have been billed, ``max_credits`` at most. That holds while the call
    is under way (``error_code`` is ``in_flight``), after a timeout, and when the worker died.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    started_at = models.DateTimeField()
    endpoint = models.CharField(max_length=80)
    params: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    http_status = models.PositiveSmallIntegerField(null=True)  # null: no answer came
    error_code = models.CharField(max_length=40, blank=True, default="")
    max_credits = models.PositiveIntegerField(default=1)
    credits = models.PositiveIntegerField(null=True)
    credits_remaining = models.BigIntegerField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    # The day (UTC, by the database's clock) whose budget it is taken from; null: from none.
    counted_on = models.DateField(null=True)
    run = models.ForeignKey(
        ProfileMonitoringLog, null=True, on_delete=models.SET_NULL, related_name="calls"
    )
    profile = models.ForeignKey(
        TikTokProfile, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "API call"
        indexes = [
            models.Index(fields=["-started_at"], name="apicall_newest"),
            models.Index("started_at", name="apicall_unsettled", condition=Q(credits=None)),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.http_status or '-'}"


class Period(models.TextChoices):
    DAY = "day"
    MONTH = "month"


class CreditCount(models.Model):
    """What the calls of a day or month (UTC) cost, or may cost while that is unknown.

    The sum over ``ApiCall``, kept beside it in the same transactions so that a budget is checked
    at the price of one row. ``profile_id`` is ``ALL`` for all calls together. No constraint leads
    to the profile, on purpose: what it cost stays when it is deleted.
    """

    ALL: ClassVar[UUID] = UUID(int=0)

    id = models.BigAutoField(primary_key=True)
    period = models.CharField(max_length=5, choices=Period.choices)
    starts = models.DateField()
    profile_id = models.UUIDField(default=UUID(int=0))
    credits = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["period", "starts", "profile_id"], name="credit_count_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.credits} credits in the {self.period} from {self.starts}"


class ScraperGate(models.Model):
    """Whether calls to ScrapeCreators may be made: one row for all workers.

    A person pauses it. An answer that makes every further call pointless (no credits, a refused
    key) closes it with a code; it opens by itself once the account has credits again.
    """

    ONLY: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    paused = models.BooleanField(default=False, help_text="Make no calls until this is cleared.")
    closed_code = models.CharField(max_length=40, blank=True, default="", editable=False)
    closed_reason = models.TextField(blank=True, default="", editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    probed_at = models.DateTimeField(null=True, editable=False)  # last look at the balance

    class Meta:
        verbose_name = verbose_name_plural = "ScrapeCreators switch"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_scraper_gate")]

    def __str__(self) -> str:
        if self.paused:
            return "paused by a person"
        return f"closed: {self.closed_code}" if self.closed_code else "open"


class SchedulePrice(models.Model):
    """What one credit is worth to the adaptive schedule: one row for all workers.

    In posts × days of waiting: a check is due once what it would end has added up to its price.
    Adjusted as profiles come and go, so that what is planned fits the budget.
    """

    ONLY: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    price = models.FloatField()
    set_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_schedule_price")]

    def __str__(self) -> str:
        return f"{self.price:.4g} post-days a credit"

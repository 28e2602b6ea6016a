"""Readings: what an ordered list of pictures says. Knows pictures, but no profiles and posts."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Func, Q

from carousel.lib.work import Work
from media_cache.models import CacheAsset
from ocr.models.batch import BatchJob
from ocr.models.category import PostCategory
from ocr.models.reader import Reader


class Source(models.TextChoices):
    AI = "ai"
    HUMAN = "human"  # no machine overwrites it


class SlideType(models.TextChoices):
    HOOK = "hook"
    CONTENT = "content"
    CTA = "cta", "call to action"
    UNKNOWN = "unknown"


class Reading(Work):
    """One reading of an ordered list of pictures; blocked until they are stored.

    While they are on their way it names them itself (``awaited``); once they have come to rest each
    of them has a SlideReading instead.
    """

    QUEUE = "ocr"
    TASK = "ocr.tasks.read"

    awaited = ArrayField(models.UUIDField(), null=True, editable=False)  # in their order
    # The one of them whose coming to rest is listened for, as the last; then it is another's turn.
    watched = models.UUIDField(null=True, editable=False)
    context = models.TextField(blank=True, default="")  # the caption, as given to the reader
    language = models.CharField(max_length=16, blank=True, default="")  # of the context
    engine = models.CharField(max_length=20, blank=True, default="")
    model = models.CharField(max_length=80, blank=True, default="")  # asked for
    model_version = models.CharField(max_length=80, blank=True, default="")  # that answered
    prompt_version = models.CharField(max_length=20, blank=True, default="")
    category = models.ForeignKey(
        PostCategory,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="readings",
        db_index=False,
    )
    category_confidence = models.FloatField(null=True, blank=True)
    category_source = models.CharField(max_length=5, choices=Source.choices, blank=True, default="")
    proposed_category = models.ForeignKey(
        PostCategory,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="proposed_for",
        db_index=False,
    )
    read_all = models.BooleanField(default=False)  # slides that a machine read are read again
    # While blocked: the job that it waits in. Afterwards: the one that brought its texts.
    batch = models.ForeignKey(
        BatchJob,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="readings",
        db_index=False,
    )
    direct = models.BooleanField(
        default=False, db_default=False, editable=False
    )  # a job has failed it
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=8, null=True)

    class Meta(Work.Meta):
        indexes = [
            *Work.Meta.indexes,
            models.Index("created_at", name="reading_blocked", condition=Q(status="blocked")),
            models.Index("watched", name="reading_watched", condition=Q(watched__isnull=False)),
            models.Index("batch", name="reading_batch", condition=Q(batch__isnull=False)),
            models.Index("category", name="reading_category", condition=Q(category__isnull=False)),
            models.Index(
                "proposed_category",
                name="reading_proposal",
                condition=Q(proposed_category__isnull=False),
            ),
        ]


class SlideReading(models.Model):
    """What one picture says. ``text`` is null until it was read and "" if it says nothing."""

    id = models.BigAutoField(primary_key=True)
    # Without an index of its own: the unique one, which begins with it, serves as well.
    reading = models.ForeignKey(
        Reading, on_delete=models.CASCADE, related_name="slides", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    asset = models.ForeignKey(CacheAsset, on_delete=models.PROTECT, related_name="slide_readings")
    text = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is "not read", "" is "no text"
    search_text = models.TextField(blank=True, default="", editable=False)  # ocr.fold.searchable
    description = models.TextField(blank=True, default="")
    slide_type = models.CharField(max_length=7, choices=SlideType.choices, blank=True, default="")
    language = models.CharField(max_length=16, blank=True, default="")
    confidence = models.FloatField(null=True)
    source = models.CharField(max_length=5, choices=Source.choices, blank=True, default="")
    # Which reader gave the text; null: none, or it is to be read afresh.
    reader = models.ForeignKey(
        Reader, null=True, editable=False, on_delete=models.PROTECT, db_index=False
    )
    # The slide with the same bytes that the text was taken from, where nobody was asked.
    copied_from = models.ForeignKey(
        "self", null=True, editable=False, on_delete=models.SET_NULL, db_index=False
    )
    error = models.TextField(blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        ordering = ["reading", "position"]
        constraints = [
            models.UniqueConstraint(fields=["reading", "position"], name="slide_reading_position")
        ]
        indexes = [
            GinIndex(
                Func("search_text", function="ocr_lexemes"),
                name="slidereading_words",
                condition=~Q(search_text=""),
            ),
            GinIndex(
                OpClass("search_text", name="gin_trgm_ops"),
                name="slidereading_trigrams",
                condition=~Q(search_text=""),
            ),
            models.Index(
                "asset", name="slidereading_lacking", condition=Q(error_code="not_stored")
            ),
            models.Index(
                "copied_from", name="slidereading_copies", condition=Q(copied_from__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"slide {self.position}"


class PictureClaim(models.Model):
    """These bytes are being read by this reader for this reading, so nobody else asks for them.

    ``until`` bounds it: a claim whose worker died is anybody's after that.
    """

    sha256 = models.CharField(max_length=64)
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, db_index=False)
    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="claims")
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sha256", "reader"], name="picture_claimed_once")
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} for {self.reading_id}"

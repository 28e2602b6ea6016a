"""One row per file that we keep a copy of. Many things own a picture; a picture owns nothing."""

from __future__ import annotations

from types import MappingProxyType

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from carousel.lib.work import Work


class Kind(models.TextChoices):
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    COVER = "cover"
    AVATAR = "avatar"


class CacheAsset(Work):
    """A file that lives at a URL, and our copy of it.

    ``source_key`` is the stable identity of one variant (from TikTok's ``uri``), never a signed
    URL: those change with every answer. Blocked with code ``link_dead`` means that every link was
    refused and fresh ones have been asked for. All sizes are in bytes and pixels.
    """

    QUEUE = "media-cache"
    TASK = "media_cache.tasks.store_media"
    AFRESH = MappingProxyType({"host_down_since": None})

    # The grey square of a picture that was stored just now, on its way to its fingerprint; empty
    # if it would have cost too much to make meanwhile.
    luma: bytes | None = None

    kind = models.CharField(max_length=6, choices=Kind.choices)
    source_key = models.TextField()
    source_urls = ArrayField(models.TextField(), default=list)  # ordered, exact bytes
    expires_at = models.DateTimeField(null=True, blank=True)  # of the links; null: unknown
    expected_size = models.BigIntegerField(null=True, blank=True)  # as TikTok states it
    # Its first try, since it was last stored or started over, that found the host down.
    host_down_since = models.DateTimeField(null=True, editable=False)

    sha256 = models.CharField(max_length=64, blank=True, default="")
    storage_key = models.TextField(blank=True, default="")
    content_type = models.CharField(max_length=40, blank=True, default="")
    original_content_type = models.CharField(max_length=40, blank=True, default="")
    byte_size = models.BigIntegerField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    codec = models.CharField(max_length=8, blank=True, default="", db_default="")  # avc1, hvc1
    stored_at = models.DateTimeField(null=True)

    class Meta(Work.Meta):
        # Not ``unique=True``, which would add a second index, for searching by the beginning:
        # this one does both.
        constraints = [
            models.UniqueConstraint(
                fields=["source_key"], opclasses=["text_pattern_ops"], name="cacheasset_source_key"
            )
        ]
        indexes = [
            *Work.Meta.indexes,
            models.Index("sha256", name="cacheasset_sha256", condition=~models.Q(sha256="")),
            models.Index(
                "created_at", name="cacheasset_blocked", condition=models.Q(status="blocked")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_key}"


# Of another picture's family; written so that a query can repeat it.
IS_MEMBER = Q(family__lt=F("asset")) | Q(family__gt=F("asset"))


class Fingerprint(models.Model):
    """What a stored picture looks like, so that copies of it can be found.

    ``made_at`` is null while it waits to be made; it is then due at ``due_at``, which is also its
    lease. ``square`` is the picture as ``media_cache.fingerprint.pack`` keeps it; ``hashes`` and
    ``bands`` are empty for pictures without any features. ``family`` names the pictures that look
    the same: it is the id of the asset that was the first of them, which may be gone.
    """

    asset = models.OneToOneField(CacheAsset, on_delete=models.CASCADE, primary_key=True)
    made_at = models.DateTimeField(null=True)
    square = models.BinaryField(default=b"", db_default=b"")
    hashes = ArrayField(models.BigIntegerField(), default=list)
    bands = ArrayField(models.IntegerField(), default=list)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(db_default=Now())
    family = models.UUIDField(null=True, editable=False)

    class Meta:
        indexes = [
            GinIndex(fields=["bands"], name="fingerprint_bands"),
            models.Index("family", name="fingerprint_members", condition=IS_MEMBER),
            models.Index(
                fields=["made_at"],
                name="fingerprint_unplaced",
                condition=Q(family=None, made_at__isnull=False),
            ),
            models.Index(fields=["due_at"], name="fingerprint_due", condition=Q(made_at=None)),
        ]

    def __str__(self) -> str:
        return f"fingerprint of {self.asset_id}"


class ReleasedObject(models.Model):
    """An object that a row pointed to and no longer does: to be removed unless another row does.

    Triggers write these, in the transaction that deletes or changes the row, whoever does it; so
    no object can be forgotten. ``media_cache.services.objects`` has the rule of removal.
    """

    storage_key = models.TextField(primary_key=True)
    released_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["released_at"], name="releasedobject_oldest")]

    def __str__(self) -> str:
        return self.storage_key

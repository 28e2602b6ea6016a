"""What posts can be about."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from carousel.lib.ids import uuid7


class PostCategory(models.Model):
    """What a post is about. A closed list that people edit and the reader may add to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True, default="")
    ai_generated = models.BooleanField(default=False)
    active = models.BooleanField(
        default=True, help_text="The reader may choose it. New ones may wait here for a person."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "post categories"
        constraints = [models.UniqueConstraint(Lower("name"), name="category_name_once")]

    def __str__(self) -> str:
        return self.name


class FormerCategoryName(models.Model):
    """A name that a category no longer goes by. Who still says it, means that category: a reader
    that was asked before, a list that somebody labelled by hand."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    category = models.ForeignKey(
        PostCategory, on_delete=models.CASCADE, related_name="former_names"
    )

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="former_category_name_once")]

    def __str__(self) -> str:
        return self.name


class CategoryChange(models.Model):
    """What people did to the list: a category was renamed, or merged into another.

    A merge notes what the category was and which readings had it, so that it can be undone.
    """

    class Kind(models.TextChoices):
        RENAMED = "renamed"
        MERGED = "merged"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    old_id = models.UUIDField()
    old_name = models.CharField(max_length=80)
    new_name = models.CharField(max_length=80)
    category = models.ForeignKey(
        PostCategory, null=True, on_delete=models.SET_NULL, related_name="changes"
    )
    description = models.TextField(blank=True, default="")
    ai_generated = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    reading_ids = ArrayField(models.UUIDField(), default=list)
    proposed_ids = ArrayField(models.UUIDField(), default=list)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-changed_at"], name="categorychange_newest")]

    def __str__(self) -> str:
        return f"{self.old_name} {self.kind} to {self.new_name}"

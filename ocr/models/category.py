"""What posts can be about."""

from __future__ import annotations

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

"""Who reads."""

from __future__ import annotations

from django.db import models


class Reader(models.Model):
    """What a text came from: an engine with a model and a version of its prompt.

    Two texts of the same bytes by one reader would be the same, so no reader is asked twice.
    """

    id = models.SmallAutoField(primary_key=True)
    engine = models.CharField(max_length=20)
    model = models.CharField(max_length=80)
    prompt_version = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["engine", "model", "prompt_version"], name="reader_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.model} {self.prompt_version}"

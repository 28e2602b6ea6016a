from __future__ import annotations

from django.apps import AppConfig


class OcrConfig(AppConfig):
    name = "ocr"
    verbose_name = "Reading"

    def ready(self) -> None:
        from ocr import receivers  # noqa: F401 - connects them

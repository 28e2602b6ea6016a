from __future__ import annotations

from django.apps import AppConfig


class OcrConfig(AppConfig):
    name = "ocr"

from __future__ import annotations

from django.apps import AppConfig


class TiktokConfig(AppConfig):
    name = "tiktok"

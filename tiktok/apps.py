from __future__ import annotations

from django.apps import AppConfig


class TiktokConfig(AppConfig):
    name = "tiktok"
    verbose_name = "TikTok"

    def ready(self) -> None:
        from tiktok import receivers  # noqa: F401 - connects them
        from tiktok.services.finding import register_selectors

        register_selectors()

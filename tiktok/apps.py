from __future__ import annotations

from django.apps import AppConfig


class TiktokConfig(AppConfig):
    name = "tiktok"
    verbose_name = "TikTok"

    def ready(self) -> None:
        from tiktok import receivers  # noqa: F401 - connects them
        from tiktok.services.finding import register_selectors
        from tiktok.services.retries import register_retries

        register_selectors()
        register_retries()

from __future__ import annotations

from django.apps import AppConfig


class CarouselConfig(AppConfig):
    name = "carousel"

    def ready(self) -> None:
        from carousel import checks, observability

        checks.register()
        observability.start_sentry()

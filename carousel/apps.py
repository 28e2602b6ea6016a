from __future__ import annotations

from django.apps import AppConfig


class CarouselConfig(AppConfig):
    name = "carousel"

    def ready(self) -> None:
        from carousel import checks, observability
        from carousel.lib import database

        checks.register()
        database.forget_lost_machines()
        observability.start_sentry()

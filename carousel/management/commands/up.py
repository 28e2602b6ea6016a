"""`manage.py up`: everything that this checkout's configuration needs, in one terminal."""

from __future__ import annotations

import asyncio
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError, connection

from carousel.embedded.errors import EmbeddedError
from carousel.embedded.plan import Plan, StackOptions, carousel_plan
from carousel.embedded.supervisor import Supervisor
from carousel.lib.command_errors import broker_down, database_down
from carousel.lib.console import OneLineCommand
from carousel.lib.drain import sweep
from carousel.lib.queues import work_models
from carousel.lib.work import Work, WorkQuerySet


def configured_plan(*, sandbox_seed: int | None = None) -> Plan:
    """The processes that the settings ask for: no server is embedded where a URL is configured,
    and there is no sandbox where there is a ScrapeCreators key."""
    return carousel_plan(
        StackOptions(
            base_dir=settings.BASE_DIR,
            web_port=settings.WEB_PORT,
            database=settings.EMBEDDED_DATABASE,
            redis=settings.EMBEDDED_REDIS,
            sandbox_port=settings.SANDBOX_PORT if settings.USE_SANDBOX else None,
            sandbox_seed=sandbox_seed,
            local_reader=settings.OCR_ENGINE == "local",
            log_level=settings.LOG_LEVEL,
        )
    )


def give_back_leases(supervisor: Supervisor) -> int:
    """Rows that an earlier run of this checkout had in hand when it was killed go on at once.

    Only on the embedded database: on a server of their own, other machines' workers may well be
    alive. Returns how many.
    """
    if not settings.EMBEDDED_DATABASE or supervisor.tiers_began is None:
        return 0
    given = 0
    for model in work_models():
        rows: WorkQuerySet[Work] = model.objects.all()
        if count := rows.give_back(started_before=supervisor.tiers_began):
            sweep(model)
            given += count
    return given


def check_servers() -> str:
    """Raise CommandError if there is a database of one's own that does not answer.

    A Redis that does not is only a warning, which is returned; empty if all is well.
    """
    if not settings.EMBEDDED_DATABASE:
        try:
            connection.ensure_connection()
        except OperationalError as exc:
            raise CommandError(database_down(exc)) from exc
        finally:
            connection.close()
    if not settings.EMBEDDED_REDIS:
        try:
            redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5).ping()
        except redis.RedisError:
            return f"Warning: {broker_down()} Work waits until it is back."
    return ""


class Command(OneLineCommand):
    help = "Run web, workers and beat, and the embedded services where none are configured."
    supervisor: Supervisor

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="stop when the process that started this one is gone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if warning := check_servers():
            self._say(warning)
        plan = configured_plan()
        self.supervisor = Supervisor(plan, self._say, with_parent=options["with_parent"])
        try:
            self.supervisor.run(self._serve)
        except EmbeddedError as error:
            raise CommandError(str(error)) from None
        self._say("stopped")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    async def _serve(self) -> None:
        await asyncio.to_thread(give_back_leases, self.supervisor)
        self._tell_where()
        await asyncio.Event().wait()

    def _tell_where(self) -> None:
        address = f"http://127.0.0.1:{settings.WEB_PORT}"
        logs = settings.BASE_DIR / ".data" / "logs"
        self._say(f"Carousel runs at {address}/admin/ (API: {address}/api/docs)")
        if settings.USE_SANDBOX:
            self._say("no SCRAPECREATORS_API_KEY is set: profiles come from the sandbox")
        self._say(f"logs are in {logs}; Ctrl-C stops everything")

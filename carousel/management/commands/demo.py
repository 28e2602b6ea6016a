"""`manage.py demo`: the whole system on a made-up world, from handles to read slides."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from rest_framework.authtoken.models import Token

from carousel.embedded.errors import EmbeddedError
from carousel.embedded.supervisor import Supervisor
from carousel.lib.console import OneLineCommand
from carousel.lib.errors import NotNow, UpstreamError
from carousel.management.commands.up import check_servers, configured_plan, give_back_leases
from carousel.management.demo_progress import Progress, measure, summary, text_accuracy
from tiktok import services

LONGEST = 300.0  # seconds for the work of the demo


class Command(OneLineCommand):
    help = "Run everything on the sandbox's profiles, show the progress and where to look."
    supervisor: Supervisor
    once: bool
    finished: Progress | None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when every slide is read")
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="stop when the process that started this one is gone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.USE_SANDBOX:
            raise CommandError(
                "SCRAPECREATORS_API_KEY is set and the demo would spend its credits: "
                "use `make demo`, which leaves it out, or unset it"
            )
        if warning := check_servers():
            self._say(warning)
        self.once = options["once"]
        self.finished = None
        self.supervisor = Supervisor(
            configured_plan(), self._say, with_parent=options["with_parent"], echo=False
        )
        try:
            self.supervisor.run(self._work)
        except EmbeddedError as error:
            raise CommandError(str(error)) from None
        self._say("stopped")
        if self.once and not self._good_end():
            raise CommandError("the demo did not come to a good end: see the table above")

    def _good_end(self) -> bool:
        return self.finished is None or self.finished.complete

    async def _work(self) -> None:
        began = time.monotonic()
        await asyncio.to_thread(give_back_leases, self.supervisor)
        await asyncio.to_thread(self._add_profiles)
        progress = await self._watch(began)
        self.finished = progress
        seconds = time.monotonic() - began
        for line in await asyncio.to_thread(self._report, progress, seconds):
            self._say(line)
        if not self.once:
            for line in await asyncio.to_thread(self._where_to_look):
                self._say(line)
            await asyncio.Event().wait()

    def _add_profiles(self) -> None:
        for handle in self._sandbox("handles")["demo"]:
            try:
                added = services.add_profile(handle)
            except (UpstreamError, NotNow) as error:
                raise EmbeddedError(f"@{handle} could not be added: {error}") from None
            services.set_monitoring([added.profile.pk], enabled=True)
            word = "added" if added.created else "known"
            self._say(f"@{added.profile.handle}: {word}, {added.total_posts} posts so far")

    async def _watch(self, began: float) -> Progress:
        """Show how far the pipeline is until it is through, or too much time has passed."""
        shown = ""
        while True:
            progress = await asyncio.to_thread(measure)
            if progress.line != shown:
                shown = progress.line
                self._show(f"{time.monotonic() - began:5.0f} s  {shown}")
            if progress.settled or time.monotonic() - began > LONGEST:
                self._end_show()
                return progress
            await asyncio.sleep(1)

    def _report(self, progress: Progress, seconds: float) -> list[str]:
        truths = self._sandbox("truth")["profiles"]
        return summary(progress, seconds, text_accuracy(truths))

    def _where_to_look(self) -> list[str]:
        password = secrets.token_urlsafe(9)
        user, _ = get_user_model().objects.get_or_create(
            username="demo", defaults={"is_staff": True, "is_superuser": True}
        )
        user.set_password(password)
        user.save(update_fields=["password"])
        token, _ = Token.objects.get_or_create(user=user)
        address = f"http://127.0.0.1:{settings.WEB_PORT}"
        return [
            "",
            f"  admin     {address}/admin/   login: demo   password: {password}",
            f"  API docs  {address}/api/docs",
            f"  try       curl -H 'Authorization: Token {token.key}' {address}/api/tiktok/posts",
            "",
            "It keeps watching the profiles. Ctrl-C stops everything; .data keeps what is stored.",
        ]

    def _sandbox(self, page: str) -> Any:
        """One of the sandbox's own pages: only the demo knows that there is a sandbox."""
        try:
            with urllib.request.urlopen(f"{settings.SANDBOX_URL}/-/{page}", timeout=30) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ValueError) as error:
            raise EmbeddedError(f"the sandbox at {settings.SANDBOX_URL} fails: {error}") from None

    def _show(self, line: str) -> None:
        """Progress: one line that changes on a terminal, a line now and then elsewhere."""
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[2K{line}", ending="")
        else:
            self.stdout.write(line)
        self.stdout.flush()

    def _end_show(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

"""Add a profile while a person waits: who it is and its first page now, the rest behind them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Least, Lower, Now

from carousel.lib import faults
from carousel.lib.drain import end, wake
from carousel.lib.errors import NotNow
from carousel.lib.ids import uuid7
from carousel.lib.work import Priority, Status
from tiktok.models import UNFINISHED, ProfileMonitoringLog, TikTokProfile, Trigger
from tiktok.scraper.errors import ScrapeError
from tiktok.scraper.handles import parse_handle
from tiktok.scraper.schemas import ScrapedProfile
from tiktok.services.monitoring import LostLease, Run, bounded
from tiktok.services.profiles import store_profile
from tiktok.services.runs import open_run
from tiktok.services.scraping import LedgerClient, scraper, seen_at

OTHERS_PAGE = 20.0  # seconds to wait for a first page that another process is fetching


class BadHandle(ValueError):
    """What was pasted is neither a handle nor a link to a profile; the message says what is."""

    code = "bad_handle"


@dataclass(frozen=True, slots=True)
class Added:
    """A profile with its first page. ``run`` is the queued rest, ``None`` if there is none."""

    profile: TikTokProfile
    created: bool
    posts_created: int
    posts_updated: int
    total_posts: int
    run: ProfileMonitoringLog | None


def add_profile(
    text: str, *, is_own_profile: bool = False, priority: Priority = Priority.PERSON
) -> Added:
    """Find the account behind a handle or link, store it and its first page, and queue the rest.

    ``priority`` is that of the rest and of the files. A known account is refreshed the same way;
    its ``is_own_profile`` is only ever set. Where its run is open already, that one is used. If the
    first page can't be had now but may be later, the profile is returned without it and its run
    goes on trying.

    Raises BadHandle, ScrapeError (``not_found``, ``out_of_credits``, ``budget_exhausted``,
    ``unauthorized``, or why the account could not be fetched) and NotNow while calls are paused or
    the rate limit is used up.
    """
    try:
        handle = parse_handle(text)
    except ValueError as exc:
        raise BadHandle(str(exc)) from None
    with scraper(profile_id=_known(handle)) as client:
        found = client.profile(handle=handle).profile
        faults.point("adding.account_found")
        captured_at = seen_at()
        with transaction.atomic():  # no profile without the run that fetches its posts
            stored = store_profile(found, captured_at=captured_at, priority=priority)
            profile = stored.profile
            if is_own_profile and not profile.is_own_profile:
                TikTokProfile.objects.filter(pk=profile.pk).update(is_own_profile=True)
            run, is_ours = _take_run(profile, found, captured_at, priority)
        faults.point("adding.run_taken")
        client.ledger.charge_to(run)
        if is_ours:
            _fetch_first_page(run, client)
        else:
            _await_first_page(run)
    profile.refresh_from_db()
    run.refresh_from_db()
    return Added(
        profile=profile,
        created=stored.created,
        posts_created=run.posts_created,
        posts_updated=run.posts_updated,
        total_posts=profile.total_posts,
        run=run if run.status in UNFINISHED else None,
    )


def _known(handle: str) -> UUID | None:
    """Whose budget the question is taken from, if we hold somebody of that handle."""
    holders = TikTokProfile.objects.annotate(folded=Lower("handle"))
    return holders.filter(folded=handle.lower()).values_list("pk", flat=True).first()


def _take_run(
    profile: TikTokProfile, found: ScrapedProfile, captured_at: datetime, priority: Priority
) -> tuple[ProfileMonitoringLog, bool]:
    """The profile's open run, a new one if there is none, and whether this process owns it now."""
    known: dict[str, Any] = {"profile_fetched": True, "expected_posts": bounded(found.video_count)}
    if found.private:
        known |= {"stop_reason": "private", "is_partial": True}
    fresh = ProfileMonitoringLog(
        id=uuid7(),
        profile=profile,
        trigger=Trigger.ADDED,
        priority=priority,
        created_at=captured_at,
        **known,
    )
    with transaction.atomic():
        run = open_run(fresh)
        # Nobody else can have claimed a fresh one: it isn't committed yet.
        waiting = ProfileMonitoringLog.objects.filter(pk=run.pk, status=Status.PENDING)
        begins = waiting.filter(pages_scraped=0).update(every_page=True, **known)
        waiting.update(priority=Least("priority", Value(priority.value)), run_after=Now())
        # One that has its first page already is the workers': another page would only cost time.
        claimed = ProfileMonitoringLog.objects.claim(1, [run.pk]) if begins else []
    return (claimed[0], True) if claimed else (run, False)


def _fetch_first_page(run: ProfileMonitoringLog, client: LedgerClient) -> None:
    """Fetch the next page of the run and leave the rest to the workers.

    Raises ScrapeError where it is no use to try again.
    """
    try:
        Run(run, client).go(max_pages=1)
    except LostLease:
        return
    except (NotNow, ScrapeError) as exc:
        end(run, exc)
        if isinstance(exc, ScrapeError) and not exc.retryable:
            raise
    except Exception as exc:
        run.fail(f"{type(exc).__name__}: {exc}", code="bug")
        raise
    faults.point("adding.page_stored")
    wake(ProfileMonitoringLog, [run.pk])


def _await_first_page(run: ProfileMonitoringLog) -> None:
    """Another process is at it; give it some time to store a page."""
    ends = time.monotonic() + OTHERS_PAGE
    while time.monotonic() < ends:
        run.refresh_from_db()
        if run.pages_scraped or run.status not in (Status.RUNNING, Status.PENDING):
            return
        time.sleep(0.1)

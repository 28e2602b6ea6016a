"""A monitoring run: page after page into the database, each with the checkpoint behind it.

    profile, once -> page -> page … until a stop rule (``paging``) -> slides that the list left
    out -> posts missed too often (``missing``) -> completed

What a transaction stores is never paid for again: a run that was killed goes on from its last
committed page, and only the call in flight is repeated. No transaction is held across a call.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from carousel.lib import faults
from carousel.lib.drain import Flow
from carousel.lib.stopping import stopping
from carousel.lib.work import Priority
from tiktok.bulk_upsert import UpsertResult, bulk_upsert, recompute_totals
from tiktok.insight import recompute_insight
from tiktok.metrics import record_author
from tiktok.models import ProfileMonitoringLog, TikTokPost, TikTokProfile
from tiktok.scraper.client import OTHER_REGION, ScrapeCreators
from tiktok.scraper.errors import ScrapeError, failure
from tiktok.scraper.schemas import AuthorCounts, VideosPage
from tiktok.services.errands import Errands
from tiktok.services.gate import GATE_WAIT, HOLDING
from tiktok.services.missing import count_misses, profile_missed
from tiktok.services.paging import is_complete, is_partial, oldest_in_order, stop_reason
from tiktok.services.profiles import store_profile
from tiktok.services.scheduling import plan_next_look
from tiktok.services.scraping import scraper, seen_at

logger = logging.getLogger(__name__)

# Of a list: perhaps the account has another handle now, or is gone.
WHO = frozenset({"not_found", "private", "forbidden"})
SLICE = settings.WORK_SLICE_SECONDS  # a longer run makes room for others and goes on after them


class LostLease(Exception):
    """Another worker owns the run by now; whatever was not committed is theirs to do."""


def run_monitoring(rows: list[ProfileMonitoringLog]) -> None:
    """The step of the flow. Raises NotNow and ScrapeError, which end the row as they should.

    A run that met a closed gate (no credits, a refused key) or a budget that is used up waits with
    that code if it is on schedule, and fails with it if a person waits for it.
    """
    for run in rows:
        faults.point("monitoring.claimed")
        try:
            with scraper(run) as client:
                Run(run, client).go()
        except (LostLease, TikTokProfile.DoesNotExist) as exc:
            logger.info("Left %s to others: %s", run, exc)
        except ScrapeError as exc:
            held_back = exc.code in HOLDING and exc.call is None
            if not held_back or run.priority == Priority.PERSON:
                raise
            run.postpone(exc.retry_after or GATE_WAIT, str(exc), error_code=exc.code)


FLOW = Flow(ProfileMonitoringLog, run_monitoring, lanes=4)


class Run:
    """One run while this process holds its lease."""

    def __init__(self, run: ProfileMonitoringLog, client: ScrapeCreators) -> None:
        self.run = run
        self.client = client
        self.profile = TikTokProfile.objects.get(pk=run.profile_id)
        self.ends = time.monotonic() + SLICE
        self.asked = False  # who the account is

    def go(self, *, max_pages: int | None = None) -> None:
        """Go on from the checkpoint to the end, or until the slice or ``max_pages`` are used up.

        With ``max_pages`` no call is made beside those for the profile and the pages.
        """
        last = None if max_pages is None else self.run.pages_scraped + max_pages
        if not self.run.profile_fetched or not self.profile.handle:
            self.fetch_profile()
        while not self.run.stop_reason:
            if self.is_over() or self.run.pages_scraped == last:
                self.run.postpone(0)
                return
            self.fetch_page()
        faults.point("monitoring.pages_done")
        errands = Errands(self.run, self.client)
        while errand := errands.next():
            if self.is_over() or last is not None:
                self.run.postpone(0)
                return
            errand()
            self.checkpoint()
        self.finish()

    def is_over(self) -> bool:
        """Whether others should have their turn now."""
        return stopping() or time.monotonic() > self.ends

    def fetch_profile(self) -> None:
        """Who the account is now; its handle, by which its posts are listed, may have changed."""
        self.asked = True
        try:
            answer = self.client.profile(user_id=self.profile.tiktok_user_id)
        except ScrapeError as exc:
            if exc.code == "not_found":
                profile_missed(self.profile, self.client)
            raise
        found = answer.profile
        if found.tiktok_user_id != self.profile.tiktok_user_id:
            raise _other_account(self.profile)
        with transaction.atomic():
            priority = Priority(self.run.priority)
            stored = store_profile(found, captured_at=seen_at(), priority=priority)
            self.checkpoint(
                profile_fetched=True,
                expected_posts=bounded(found.video_count),
                **({"stop_reason": "private", "is_partial": True} if found.private else {}),
            )
            faults.point("monitoring.profile_stored")
        faults.point("monitoring.profile_committed")
        self.profile = stored.profile

    def fetch_page(self) -> None:
        """Fetch a page and store it, or find out that the account shows none."""
        run = self.run
        region = run.region or self.profile.scrape_region or None
        try:
            page = self.client.profile_videos(
                self.profile.handle,
                user_id=self.profile.tiktok_user_id,
                cursor=run.cursor or None,
                region=region,
            )
        except ScrapeError as exc:
            if not (exc.call and exc.code in WHO and self.ask_who()):
                self.refused(exc, region)
            return
        if not self.is_familiar(page) and self.ask_who():
            return
        if page.posts or page.skipped or run.cursor:
            self.store(page)
        elif run.expected_posts == 0:
            self.stop_with("no_posts")
        elif page.region_hint and region is None:
            self.checkpoint(region=page.region_hint)
        else:
            self.stop_with("suspect_empty")

    def is_familiar(self, page: VideosPage) -> bool:
        """Whether the page shows posts of the account under the name that we know."""
        known = (self.profile.tiktok_user_id, self.profile.handle.lower())
        found = ((post.author.user_id, post.author.handle or known[1]) for post in page.posts)
        return any((user_id, handle.lower()) == known for user_id, handle in found)

    def ask_who(self) -> bool:
        """Ask who the account is now, if this run took that for granted and its list is no use."""
        if self.asked or self.run.expected_posts is not None or self.run.pages_scraped:
            return False
        self.fetch_profile()
        return True

    def refused(self, exc: ScrapeError, region: str | None) -> None:
        """The list was not shown: privately, in this region, or for a reason to end the run."""
        if exc.code == "private":
            self.stop_with("private")
        elif exc.code == "region_locked" and region is None:
            self.checkpoint(region=OTHER_REGION)
        else:
            raise exc

    def stop_with(self, reason: str) -> None:
        """No page to store: the posts we hold stay as they are."""
        if reason == "suspect_empty" and self.profile.scrape_region:
            TikTokProfile.objects.filter(pk=self.profile.pk).update(scrape_region="")
        self.checkpoint(stop_reason=reason, is_partial=is_partial(self.run, reason))

    def store(self, page: VideosPage) -> None:
        """Store a page, and the checkpoint with it."""
        run = self.run
        captured_at = seen_at()
        with transaction.atomic():
            result = bulk_upsert(
                self.profile,
                page.posts,
                captured_at=captured_at,
                run=run,
                force_recache=run.force_recache,
            )
            faults.point("monitoring.page_upserted")
            if page.posts and result.foreign == len(page.posts):
                raise _other_account(self.profile)
            self.note_skipped(page)
            counts = _author_counts(page) if not run.pages_scraped else None
            if counts:
                record_author(self.profile, counts, captured_at=captured_at, since=run.created_at)
            reason = stop_reason(run, page, result, max_pages=settings.MONITORING_MAX_PAGES)
            self.count(page, result)
            self.remember(page, result, reason, captured_at)
            self.checkpoint(cursor=page.cursor or run.cursor, attempts=1, **self.ending(reason))
        faults.point("monitoring.page_committed")

    def note_skipped(self, page: VideosPage) -> None:
        """An item that can't be read is there all the same: it isn't missed."""
        ids = [item.id for item in page.skipped if item.id]
        if ids:
            TikTokPost.objects.filter(tiktok_id__in=ids, profile=self.profile).update(
                last_seen_run=self.run.pk, misses=0
            )

    def count(self, page: VideosPage, result: UpsertResult) -> None:
        """Add the page to the run's figures; the checkpoint saves them."""
        run = self.run
        run.pages_scraped += 1
        run.posts_created += result.created
        run.posts_updated += result.updated
        run.posts_scraped += result.created + result.updated
        run.items_skipped += len(page.skipped) + result.foreign
        if page.posts and (oldest := oldest_in_order(page.posts)):
            run.oldest_post_at = min(oldest, run.oldest_post_at or oldest)

    def remember(
        self, page: VideosPage, result: UpsertResult, reason: str, captured_at: datetime
    ) -> None:
        """What the page says about the profile's list as a whole."""
        changes: dict[str, Any] = {}
        if reason and is_complete(self.run, reason):
            changes["history_complete"] = True
            if self.run.every_page:
                changes["all_pages_at"] = captured_at
        elif result.new:  # more may lie behind it, and it will look known next time
            changes["history_complete"] = False
        if self.run.region and page.posts:
            changes["scrape_region"] = self.run.region
        changes = {k: v for k, v in changes.items() if getattr(self.profile, k) != v}
        if changes:
            TikTokProfile.objects.filter(pk=self.profile.pk).update(**changes)
            self.profile.refresh_from_db(fields=list(changes))

    def ending(self, reason: str) -> dict[str, Any]:
        """What the checkpoint says when this was the last page."""
        if not reason:
            return {}
        run = self.run
        enough = run.expected_posts is not None and run.posts_scraped >= run.expected_posts
        whole = enough and run.every_page and reason in ("end_of_list", "no_cursor")
        count_misses(run, whole_list=whole)
        return {"stop_reason": reason, "is_partial": is_partial(run, reason)}

    def checkpoint(self, **fields: Any) -> None:
        """Save progress and extend the lease. Raises LostLease, which undoes the page."""
        run = self.run
        figures = {name: getattr(run, name) for name in FIGURES}
        if not run.renew(**figures, **fields):
            raise LostLease("another worker has taken over")
        for name, value in fields.items():
            setattr(run, name, value)

    def finish(self) -> None:
        """The run is over: add up the totals and what they say afresh, and say when it was."""
        recompute_totals(self.profile.pk)
        recompute_insight([self.profile.pk])
        faults.point("monitoring.totals_added")
        with transaction.atomic():
            TikTokProfile.objects.filter(pk=self.profile.pk).update(last_monitoring_run=Now())
            plan_next_look(self.profile, seen_at())
            if not self.run.finish():
                raise LostLease("another worker has taken over")
        faults.point("monitoring.finished")


FIGURES = (
    *("pages_scraped", "posts_created", "posts_updated", "posts_scraped"),
    *("items_skipped", "oldest_post_at"),
)


def bounded(count: int | None) -> int | None:
    """What fits into the column: no account has two billion posts."""
    return None if count is None else min(count, 2**31 - 1)


def _author_counts(page: VideosPage) -> AuthorCounts | None:
    return next((post.author.counts for post in page.posts if post.author.counts), None)


def _other_account(profile: TikTokProfile) -> ScrapeError:
    detail = "the answer is about another account, which may have taken over the handle"
    return failure("malformed_answer", str(profile), detail=detail, retryable=False)

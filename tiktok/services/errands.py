"""Calls that a run makes after its last page: for what the list left out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db.models import F, QuerySet

from tiktok.models import ProfileMonitoringLog, TikTokPost
from tiktok.scraper.client import ScrapeCreators
from tiktok.scraper.errors import ScrapeError
from tiktok.services.missing import check_missing, missed_often, store_found, url_of

logger = logging.getLogger(__name__)

# Each costs a credit; what is left over waits for the next run.
LOOKUPS_PER_RUN = 10
CHECKS_PER_RUN = 5
LOOKUPS = 3  # runs that fetch one post for its slides


class Errands:
    """What remains to be asked for, one thing at a time."""

    def __init__(self, run: ProfileMonitoringLog, client: ScrapeCreators) -> None:
        self.run = run
        self.client = client
        self.looked_up: list[UUID] = []
        self.checks = 0

    def next(self) -> Callable[[], None] | None:
        """A call to be made after the last page: for slides, or for a post missed too often."""
        if len(self.looked_up) < LOOKUPS_PER_RUN and (post := self.without_slides().first()):
            return partial(self.fetch_slides, post)
        if self.checks < CHECKS_PER_RUN and (post := missed_often(self.run.profile_id).first()):
            return partial(self.check, post)
        return None

    def without_slides(self) -> QuerySet[TikTokPost]:
        """Photo posts of this run whose slides the list left out, and that are worth asking for."""
        posts = TikTokPost.objects.filter(
            profile_id=self.run.profile_id,
            slides_known=False,
            last_seen_run=self.run.pk,
            lookups__lt=LOOKUPS,
            missing_since=None,
        )
        return posts.exclude(pk__in=self.looked_up).select_related("profile").order_by("pk")

    def fetch_slides(self, post: TikTokPost) -> None:
        """Fetch a post whose slides the list left out by itself. Raises ScrapeError if no call may
        be made."""
        self.looked_up.append(post.pk)
        TikTokPost.objects.filter(pk=post.pk).update(lookups=F("lookups") + 1)
        try:
            found = self.client.video(url_of(post)).post
        except ScrapeError as exc:
            if exc.call is None:  # held back: it may be made another time
                TikTokPost.objects.filter(pk=post.pk).update(lookups=F("lookups") - 1)
                raise
            logger.warning("Could not fetch the slides of %s: %s", post, exc)
        else:
            store_found(post, found, self.run)

    def check(self, post: TikTokPost) -> None:
        """Ask for a post that was missed too often."""
        self.checks = self.checks + 1 if check_missing(post, self.run, self.client) else 10**6

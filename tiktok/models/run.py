"""Work on profiles and posts, as rows."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from carousel.lib.work import OPEN, Status, Work
from tiktok.models.post import TikTokPost
from tiktok.models.profile import TikTokProfile

UNFINISHED = (Status.BLOCKED, *OPEN)


class Trigger(models.TextChoices):
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    ADDED = "added"


class StopReason(models.TextChoices):
    """Why a run looked no further; the labels go on after "because". See ``services.paging``."""

    END_OF_LIST = "end_of_list", "the list ended"
    NO_CURSOR = "no_cursor", "nothing leads to the next page"
    CURSOR_UNCHANGED = "cursor_unchanged", "the cursor led to the same page again"
    CURSOR_NOT_DECREASING = "cursor_not_decreasing", "the cursor led back to newer posts"
    REPEATED_PAGE = "repeated_page", "a page showed only posts of earlier pages"
    KNOWN_POSTS = "known_posts", "a page showed only posts that were known before"
    PAGE_CAP = "page_cap", "it had fetched as many pages as a run may"
    NO_POSTS = "no_posts", "the account says that it has no posts"
    SUSPECT_EMPTY = "suspect_empty", "the list was empty in every region, which is suspect"
    PRIVATE = "private", "the account is private"


class ProfileMonitoringLog(Work):
    """One run over a profile's posts: a work row and the log of what it did.

    ``cursor`` is the checkpoint, written in the transaction that stores the page before it.
    """

    QUEUE = "profile-monitor"
    TASK = "tiktok.tasks.run_monitoring"

    profile = models.ForeignKey(TikTokProfile, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=9, choices=Trigger.choices)
    force_recache = models.BooleanField(default=False)
    profile_fetched = models.BooleanField(default=False)
    # Whether it looks at every page, or stops at the first one without a new post.
    every_page = models.BooleanField(default=True)
    cursor = models.TextField(blank=True, default="")
    region = models.CharField(max_length=2, blank=True, default="")  # asked for, if not the default
    pages_scraped = models.PositiveIntegerField(default=0)
    posts_scraped = models.PositiveIntegerField(default=0)
    posts_created = models.PositiveIntegerField(default=0)
    posts_updated = models.PositiveIntegerField(default=0)
    items_skipped = models.PositiveIntegerField(default=0)
    expected_posts = models.PositiveIntegerField(null=True)
    oldest_post_at = models.DateTimeField(null=True)  # of what it looked at, pinned ones aside
    # Set: all pages are in.
    stop_reason = models.CharField(
        max_length=40, choices=StopReason.choices, blank=True, default=""
    )
    # It has not seen all it should; so is every run until it has, and one that fails for good.
    is_partial = models.BooleanField(default=True)
    credits_charged = models.PositiveIntegerField(default=0)
    credits_remaining = models.BigIntegerField(null=True)

    class Meta(Work.Meta):
        verbose_name = "monitoring run"
        constraints = [
            models.UniqueConstraint(
                fields=["profile"], condition=Q(status__in=UNFINISHED), name="one_open_run"
            )
        ]
        indexes = [
            *Work.Meta.indexes,
            models.Index(fields=["profile", "-created_at"], name="run_of_profile"),
            models.Index(fields=["-created_at", "-id"], name="run_newest"),
        ]


class ProfileImport(Work):
    """Add the account behind a handle: one of many that were named at once."""

    QUEUE = "profile-monitor"
    TASK = "tiktok.tasks.import_profiles"

    handle = models.CharField(max_length=64)  # as parse_handle gives it
    is_own_profile = models.BooleanField(default=False)
    monitoring = models.BooleanField(null=True)  # to be switched on or off; null: as it comes
    profile = models.ForeignKey(
        TikTokProfile, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(Work.Meta):
        verbose_name = "profile to add"
        verbose_name_plural = "profiles to add"
        constraints = [
            models.UniqueConstraint(
                fields=["handle"], condition=Q(status__in=UNFINISHED), name="one_open_import"
            )
        ]


class LinkRefresh(Work):
    """Fetch a post, or a profile for its avatar, again: the links to its files have died."""

    QUEUE = "profile-monitor"
    TASK = "tiktok.tasks.refresh_links"

    post = models.ForeignKey(
        TikTokPost, null=True, on_delete=models.CASCADE, related_name="link_refreshes"
    )
    profile = models.ForeignKey(
        TikTokProfile, null=True, on_delete=models.CASCADE, related_name="link_refreshes"
    )
    misses = models.PositiveSmallIntegerField(default=0)  # answers that it is not there
    assets_refreshed = models.PositiveIntegerField(default=0)
    assets_gone = models.PositiveIntegerField(default=0)

    class Meta(Work.Meta):
        verbose_name_plural = "link refreshes"
        constraints = [
            models.CheckConstraint(
                condition=Q(post__isnull=True) ^ Q(profile__isnull=True),
                name="link_refresh_of_one_thing",
            ),
            models.UniqueConstraint(
                fields=["post"], condition=Q(status__in=UNFINISHED), name="one_open_post_refresh"
            ),
            models.UniqueConstraint(
                fields=["profile"],
                condition=Q(status__in=UNFINISHED),
                name="one_open_profile_refresh",
            ),
        ]

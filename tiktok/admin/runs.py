"""Runs in the admin: what each got, what it cost, why it stopped."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin import WorkAdmin, when
from tiktok.models import UNFINISHED, LinkRefresh, ProfileMonitoringLog
from tiktok.services.completeness import got, summary, why_it_stopped
from tiktok.services.exporting import RUNS


@admin.register(ProfileMonitoringLog)
class ProfileMonitoringLogAdmin(WorkAdmin[ProfileMonitoringLog]):
    """One run over a profile's posts."""

    table = RUNS
    list_display = (*("whose", "state", "why", "found", "credits", "age", "row_buttons"),)
    list_filter = (*WorkAdmin.list_filter, "trigger", "is_partial")
    list_select_related = ("profile",)
    search_fields = ("profile__handle",)
    search_help_text = "Part of the profile's handle, or a run's id"
    ordering = ("-created_at", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "profile",
                    "trigger",
                    "status",
                    "error_code",
                    "error",
                    "summary",
                )
            },
        ),
        (
            "What it did",
            {
                "fields": (
                    *("pages_scraped", "posts_created", "posts_updated", "items_skipped"),
                    *("stop_reason", "is_partial", "oldest_post_at"),
                    *("every_page", "force_recache", "region"),
                )
            },
        ),
        ("What it cost", {"fields": ("credits_charged", "credits_remaining", "calls")}),
        (
            "Work",
            {
                "fields": (
                    *("priority", "attempts", "run_after", "cursor"),
                    *("created_at", "started_at", "completed_at"),
                )
            },
        ),
    )
    readonly_fields = ("summary", "calls")

    @admin.display(description="profile")
    def whose(self, run: ProfileMonitoringLog) -> SafeString:
        """The profile, and what opened the run."""
        trigger = run.get_trigger_display()
        return format_html('{}<small class="under">{}</small>', run.profile, trigger)

    @admin.display(description="reason")
    def why(self, run: ProfileMonitoringLog) -> str | SafeString:
        """The error, or the rule that it stopped by."""
        return self.reason(run) or why_it_stopped(run)

    @admin.display(description="got")
    def found(self, run: ProfileMonitoringLog) -> SafeString:
        """n of m, how many of them were new, on how many pages, and how far back."""
        told = [f"{run.posts_created} new", f"pages: {run.pages_scraped}"]
        if run.items_skipped:
            told.insert(1, f"{run.items_skipped} skipped")
        partial = " (partial)" if run.is_partial and run.status not in UNFINISHED else ""
        oldest = format_html(", oldest {}", when(run.oldest_post_at)) if run.oldest_post_at else ""
        return format_html(
            '<span class="number">{}{}</span><small class="under">{}{}</small>',
            *(got(run), partial, ", ".join(told), oldest),
        )

    @admin.display(description="credits")
    def credits(self, run: ProfileMonitoringLog) -> int:
        """What it was charged."""
        return run.credits_charged

    @admin.display(description="created")
    def age(self, run: ProfileMonitoringLog) -> SafeString:
        """How long ago, and how long it took."""
        took = self.took(run)
        return format_html(
            '{}<small class="under">{}</small>', self.created(run), took and f"took {took}"
        )

    @admin.display(description="in words")
    def summary(self, run: ProfileMonitoringLog) -> str:
        """n of m, why it stopped, how far back it looked."""
        return summary(run, timezone.now())

    @admin.display(description="took")
    def took(self, run: ProfileMonitoringLog) -> str:
        """From its last start to its end, in seconds."""
        if run.started_at is None or run.completed_at is None:
            return ""
        return f"{(run.completed_at - run.started_at).total_seconds():.1f} s"

    @admin.display(description="calls")
    def calls(self, run: ProfileMonitoringLog) -> SafeString:
        """Its rows in the ledger."""
        address = reverse(f"{self.admin_site.name}:tiktok_apicall_changelist")
        return format_html('<a href="{}?run__id__exact={}">in the ledger</a>', address, run.pk)


@admin.register(LinkRefresh)
class LinkRefreshAdmin(WorkAdmin[LinkRefresh]):
    """Posts and profiles that are fetched again because links have died."""

    list_display = (
        *("what", "state", "reason", "misses", "assets_refreshed", "assets_gone"),
        *("created", "row_buttons"),
    )
    list_select_related = ("post", "profile")
    search_help_text = "Id"

    @admin.display(description="of")
    def what(self, refresh: LinkRefresh) -> str:
        """The post or the profile."""
        return str(refresh.post or refresh.profile)

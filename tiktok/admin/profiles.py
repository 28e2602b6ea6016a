"""Profiles in the admin: added by handle, watched or not, looked at now."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from carousel.lib.admin import CarouselAdmin, compact, line_chart, row_action, when
from carousel.lib.errors import NotNow, UpstreamError
from media_cache.admin import thumbnail
from tiktok.admin.schedule import EDITABLE, ScheduleAdmin
from tiktok.models import TikTokProfile, Trigger
from tiktok.services import (
    BadHandle,
    add_profile,
    delete_profile,
    set_monitoring,
    trigger_run,
)
from tiktok.services.exporting import PROFILES

RUNS_SHOWN = 10
POINTS_SHOWN = 400
MISSING = mark_safe(' <span class="badge badge-failed">missing</span>')


class AddProfileForm(forms.Form):
    """A handle or a link, as people paste it."""

    account = forms.CharField(
        label="Handle or profile link",
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
        help_text="For example @some.handle or https://www.tiktok.com/@some.handle. "
        "Its first page is fetched while you wait.",
    )
    is_own_profile = forms.BooleanField(label="This is our own profile", required=False)


@admin.register(TikTokProfile)
class TikTokProfileAdmin(ScheduleAdmin, CarouselAdmin[TikTokProfile]):
    """Whom we watch."""

    change_form_template = "admin/tiktok/profile.html"
    list_display = (
        *("picture", "account", "followers", "posts", "monitoring"),
        *("next_run", "last_run", "row_buttons"),
    )
    list_display_links = ("account",)
    table = PROFILES
    list_filter = ("monitoring_enabled", "is_own_profile", "verified", "private")
    list_select_related = ("avatar",)
    search_fields = ("handle", "nickname")
    search_help_text = "Part of the handle or name, or TikTok's number of the account"
    ordering = ("-created_at", "-id")
    sortable_by = ("followers",)
    actions = ("enable", "disable", "run_selected")
    row_actions = ("switch_on", "switch_off", "run_now", "run_and_refetch")
    list_row_actions = ("switch_on", "switch_off", "run_now")
    heavy = ("bio",)
    fieldsets = (
        (None, {"fields": ("picture", "handle", "previous_handles", "nickname", "bio", "link")}),
        (
            "Monitoring",
            {
                "fields": (
                    *(*EDITABLE, "credits_used", "next_monitoring_run", "why_then"),
                    *("last_monitoring_run", "missing_since"),
                )
            },
        ),
        (
            "Account",
            {
                "fields": ("tiktok_user_id", "sec_uid", "verified", "private", "created_at"),
                "classes": ("collapse",),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All but what a person decides."""
        shown = flatten_fieldsets(self.fieldsets)
        return tuple(name for name in shown if name not in EDITABLE)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TikTokProfile], search_term: str
    ) -> tuple[QuerySet[TikTokProfile], bool]:
        """A long number is TikTok's; an @ before a handle is dropped."""
        term = search_term.strip()
        if term.isdecimal() and len(term) > 15:
            return queryset.filter(tiktok_user_id=term), False
        return super().get_search_results(request, queryset, term.removeprefix("@"))

    # --- What a list shows -----------------------------------------------------------------

    @admin.display(description="avatar")
    def picture(self, profile: TikTokProfile) -> SafeString:
        """The avatar."""
        return thumbnail(profile.avatar, alt=str(profile), kind="round")

    @admin.display(description="profile")
    def account(self, profile: TikTokProfile) -> SafeString:
        """Handle and name, and whether TikTok still knows it."""
        mark = MISSING if profile.missing_since else ""
        return format_html('{}{}<small class="under">{}</small>', profile, mark, profile.nickname)

    @admin.display(description="followers", ordering="follower_count")
    def followers(self, profile: TikTokProfile) -> str | SafeString:
        """How many."""
        return compact(profile.follower_count)

    @admin.display(description="posts")
    def posts(self, profile: TikTokProfile) -> SafeString:
        """How many we hold, with a link to them."""
        return format_html(
            '<a href="{}">{}</a>', self._posts_address(profile), compact(profile.total_posts)
        )

    @admin.display(description="last run")
    def last_run(self, profile: TikTokProfile) -> str | SafeString:
        """How long ago."""
        return when(profile.last_monitoring_run, unknown="never")

    @admin.display(description="on TikTok")
    def link(self, profile: TikTokProfile) -> SafeString:
        """The account there."""
        return format_html('<a href="{0}" target="_blank" rel="noreferrer">{0}</a>', profile.url)

    # --- What a person does ----------------------------------------------------------------

    @row_action("Switch on", offered=lambda profile: not profile.monitoring_enabled)
    def switch_on(self, request: HttpRequest, profile: TikTokProfile) -> str:
        """Watch it; the first run is one interval ahead."""
        set_monitoring([profile.pk], enabled=True)
        return f"{profile}: monitoring is on."

    @row_action("Switch off", offered=lambda profile: profile.monitoring_enabled)
    def switch_off(self, request: HttpRequest, profile: TikTokProfile) -> str:
        """Stop watching it; what we have stays."""
        set_monitoring([profile.pk], enabled=False)
        return f"{profile}: monitoring is off."

    @row_action("Run now")
    def run_now(self, request: HttpRequest, profile: TikTokProfile) -> str:
        """Look at it ahead of everything that is only on schedule."""
        _, created = trigger_run(profile, trigger=Trigger.MANUAL)
        return f"{profile}: a run is queued." if created else f"{profile}: its open run goes first."

    @row_action("Run and fetch all media")
    def run_and_refetch(self, request: HttpRequest, profile: TikTokProfile) -> str:
        """Look at every page, and keep every file anew."""
        trigger_run(profile, trigger=Trigger.MANUAL, force_recache=True)
        return f"{profile}: a run that fetches all media is queued."

    @admin.action(description="Switch monitoring on", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[TikTokProfile]) -> None:
        """Watch the chosen ones."""
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Switch monitoring off", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[TikTokProfile]) -> None:
        """Stop watching the chosen ones."""
        self._switch(request, queryset, enabled=False)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[TikTokProfile], *, enabled: bool
    ) -> None:
        change = set_monitoring(list(queryset.values_list("pk", flat=True)), enabled=enabled)
        word = "on" if enabled else "off"
        told = f"Monitoring is {word} for {change.updated_count} profiles."
        self.message_user(request, told, messages.SUCCESS)

    @admin.action(description="Run now", permissions=["change"])
    def run_selected(self, request: HttpRequest, queryset: QuerySet[TikTokProfile]) -> None:
        """Look at the chosen ones now."""
        runs = [trigger_run(profile, trigger=Trigger.MANUAL) for profile in queryset.iterator()]
        queued = sum(created for _, created in runs)
        told = f"{queued} runs queued; {len(runs) - queued} were open already."
        self.message_user(request, told, messages.SUCCESS)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for a handle and add who is behind it; what goes wrong is told at the field.

        Not Django's own view, which would hold a transaction open while TikTok is asked.
        """
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AddProfileForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            profile = self._add(request, form)
            if profile is not None:
                return redirect(f"{self.admin_site.name}:tiktok_tiktokprofile_change", profile.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Add profile",
            "form": form,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/tiktok/add_profile.html", context)

    def _add(self, request: HttpRequest, form: AddProfileForm) -> TikTokProfile | None:
        wanted = form.cleaned_data
        try:
            added = add_profile(wanted["account"], is_own_profile=wanted["is_own_profile"])
        except (BadHandle, UpstreamError, NotNow) as exc:
            form.add_error("account", str(exc))
            return None
        self.log_addition(request, added.profile, "Added.")
        rest = " The rest is on its way." if added.run else ""
        new = "added" if added.created else "known already"
        told = f"{added.profile} is {new}: {added.posts_created} new posts so far.{rest}"
        self.message_user(request, told, messages.SUCCESS)
        return added.profile

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With its latest runs and its numbers over time."""
        profile = kwargs.get("obj")
        if isinstance(profile, TikTokProfile):
            context["runs"] = profile.runs.order_by("-created_at")[:RUNS_SHOWN]
            context["charts"] = self._charts(profile)
            context["posts_address"] = self._posts_address(profile)
        return super().render_change_form(request, context, *args, **kwargs)

    def _charts(self, profile: TikTokProfile) -> list[SafeString]:
        latest = list(profile.metrics.order_by("-captured_at")[:POINTS_SHOWN])[::-1]
        return [
            line_chart(label, [(seen.captured_at, getattr(seen, name)) for seen in latest])
            for label, name in (
                *(("Followers", "follower_count"), ("Likes", "like_count")),
                ("Posts", "video_count"),
            )
        ]

    def _posts_address(self, profile: TikTokProfile) -> str:
        address = reverse(f"{self.admin_site.name}:tiktok_tiktokpost_changelist")
        return f"{address}?{urlencode({'profile__id__exact': profile.pk})}"

    # --- Deleting --------------------------------------------------------------------------

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever has the right, one profile at a time."""
        right = f"{self.opts.app_label}.delete_{self.opts.model_name}"
        return obj is not None and request.user.has_perm(right)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes with it, without loading it."""
        told = [f"{profile}, with its {profile.total_posts} posts" for profile in objs]
        return told, {"profiles": len(told)}, set(), []

    def delete_model(self, request: HttpRequest, obj: TikTokProfile) -> None:
        """With its posts, numbers, runs and readings."""
        delete_profile(obj)

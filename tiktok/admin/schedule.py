"""How a profile is watched, in the admin: whether, how often, why then, for how many credits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin import when
from tiktok.models import TikTokProfile
from tiktok.services import budgets, is_adaptive, next_run_reason, set_monitoring

SCHEDULE = ("monitoring_enabled", "monitoring_interval_minutes", "monitoring_schedule")
# What is written as it is; the others go through a service.
PLAIN = (
    *("monitoring_min_minutes", "monitoring_max_minutes", "credit_budget_per_month"),
    "is_own_profile",
)
EDITABLE = (*SCHEDULE, *PLAIN)


class ScheduleAdmin:
    """The columns and fields of the schedule, and how they are saved."""

    @admin.display(description="monitoring")
    def monitoring(self, profile: TikTokProfile) -> SafeString:
        """On or off, and the interval, in hours where it is a whole number of them."""
        word = "on" if profile.monitoring_enabled else "off"
        hours, minutes = divmod(profile.monitoring_interval_minutes, 60)
        every = f"{profile.monitoring_interval_minutes} min" if minutes else f"{hours} h"
        how = "adaptive" if is_adaptive(profile) else f"every {every}"
        return format_html(
            '<span class="badge badge-{0}">{0}</span><small class="under">{1}</small>',
            *(word, how),
        )

    @admin.display(description="next run")
    def next_run(self, profile: TikTokProfile) -> str | SafeString:
        """In how long, and why then."""
        return format_html(
            '{}<small class="under">{}</small>',
            when(profile.next_monitoring_run),
            next_run_reason(profile),
        )

    @admin.display(description="why then")
    def why_then(self, profile: TikTokProfile) -> str:
        """What the schedule expects of it."""
        return next_run_reason(profile)

    @admin.display(description="credits this month")
    def credits_used(self, profile: TikTokProfile) -> str:
        """What its calls cost, or may cost."""
        return str(budgets(profile)[0].used)

    def save_model(self, request: HttpRequest, obj: TikTokProfile, form: Any, change: bool) -> None:
        """Through the service, so that the next run is planned; nothing else is written."""
        changed = set(form.changed_data)
        plain = {name: getattr(obj, name) for name in PLAIN if name in changed}
        if "monitoring_schedule" in changed:
            plain["monitoring_schedule"] = obj.monitoring_schedule
        if changed & set(SCHEDULE):
            interval = "monitoring_interval_minutes" in changed
            minutes = obj.monitoring_interval_minutes if interval else None
            set_monitoring([obj.pk], enabled=obj.monitoring_enabled, interval_minutes=minutes)
        if plain:
            TikTokProfile.objects.filter(pk=obj.pk).update(**plain)

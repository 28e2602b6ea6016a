"""Puts the dashboard on the admin's front page."""

from __future__ import annotations

from typing import Any

from django import template

from carousel import dashboard
from carousel.lib.admin import compact, when

register = template.Library()
register.filter("compact", compact)
register.filter("when", when)


@register.inclusion_tag("admin/carousel/panel.html")
def queue_panel() -> dict[str, Any]:
    """Queues, workers and credits."""
    return dashboard.panel()

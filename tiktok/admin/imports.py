"""Profiles that are to be added, one row per handle of a list."""

from __future__ import annotations

from django.contrib import admin

from carousel.lib.admin import WorkAdmin
from tiktok.models import ProfileImport


@admin.register(ProfileImport)
class ProfileImportAdmin(WorkAdmin[ProfileImport]):
    """Handles that were imported, and what became of them."""

    list_display = ("handle", *WorkAdmin.list_display)
    list_select_related = ("profile",)
    search_fields = ("handle",)
    search_help_text = "Part of the handle, or a row's id"

"""Files in the admin: seen, filtered by state and reason, fetched again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carousel.lib.admin import WorkAdmin, row_action, short
from carousel.lib.drain import wake
from carousel.lib.work import Status
from media_cache.models import CacheAsset, Kind
from media_cache.services import urls_for

PICTURES = (Kind.IMAGE, Kind.COVER, Kind.AVATAR)


def own_url(asset: CacheAsset | None) -> str:
    """A link to our copy; "" while there is none. The admin never loads a source's own link."""
    if asset is None or not asset.storage_key:
        return ""
    return urls_for([asset])[asset.pk].url or ""


def thumbnail(asset: CacheAsset | None, *, alt: str = "", kind: str = "") -> SafeString:
    """A small picture that opens the whole one, or why there is none. ``kind``: ``round``."""
    style = f"thumb thumb-{kind}" if kind else "thumb"
    url = own_url(asset)
    if asset is None:
        return format_html('<span class="no-picture {}">–</span>', style)
    if not url:
        why = asset.error_code or asset.status
        words = why.replace("_", " ")  # so that they fit
        return format_html('<span class="no-picture {}" title="{}">{}</span>', style, why, words)
    if asset.kind not in PICTURES:
        return format_html(
            '<a class="no-picture {}" href="{}" target="_blank">{}</a>', style, url, asset.kind
        )
    return format_html(
        '<a href="{0}" target="_blank"><img class="{1}" src="{0}" alt="{2}" loading="lazy"'
        ' decoding="async"></a>',
        *(url, style, alt or asset.kind),
    )


def whole_picture(asset: CacheAsset | None, *, alt: str) -> SafeString:
    """A picture as large as its place, or its state and reason in words."""
    url = own_url(asset)
    if asset is not None and url:
        return format_html(
            '<a class="picture" href="{0}" target="_blank"><img src="{0}" alt="{1}" loading="lazy"'
            ' decoding="async"></a>',
            *(url, alt),
        )
    if asset is None:
        return format_html('<span class="no-picture">{}</span>', "no picture")
    return format_html(
        '<span class="no-picture"><span class="badge badge-{0}">{0}</span> <code>{1}</code>'
        "{2}</span>",
        *(asset.status, asset.error_code, short(asset.error, 160)),
    )


@admin.register(CacheAsset)
class CacheAssetAdmin(WorkAdmin[CacheAsset]):
    """What is kept, what is on its way, and why the rest is not."""

    list_display = (
        *("picture", "kind", "state", "reason", "file_type", "size", "pixels"),
        *("created", "row_buttons"),
    )
    list_display_links = ("kind",)
    list_filter = ("kind", *WorkAdmin.list_filter)
    # As the indexes are: whole or from its beginning, and with regard to case.
    search_fields = ("source_key__startswith", "sha256__exact")
    search_help_text = "Id, beginning of the source key, or SHA-256"
    row_actions = ("retry", "fetch_again")
    heavy = ("error", "source_urls")
    fieldsets = (
        (None, {"fields": ("preview", "kind", "status", "error_code", "error")}),
        (
            "Our copy",
            {
                "fields": (
                    *("content_type", "original_content_type", "size", "pixels", "duration_ms"),
                    *("sha256", "storage_key", "stored_at"),
                )
            },
        ),
        ("Source", {"fields": ("source_key", "links", "expires_at", "expected_size")}),
        (
            "Work",
            {
                "fields": (
                    *("priority", "attempts", "run_after"),
                    *("created_at", "started_at", "completed_at"),
                )
            },
        ),
    )
    readonly_fields = ("preview", "size", "pixels", "links")

    @admin.display(description="")
    def picture(self, asset: CacheAsset) -> SafeString:
        """A small one."""
        return thumbnail(asset)

    @admin.display(description="picture")
    def preview(self, asset: CacheAsset) -> SafeString:
        """A large one."""
        if asset.kind not in PICTURES and asset.storage_key:
            return format_html('<a href="{}" target="_blank">open</a>', own_url(asset))
        return format_html('<div class="slide">{}</div>', whole_picture(asset, alt=asset.kind))

    @admin.display(description="type")
    def file_type(self, asset: CacheAsset) -> str:
        """What it is, and what it was made of."""
        was = asset.original_content_type
        changed = was and was != asset.content_type
        return f"{asset.content_type} from {was}" if changed else asset.content_type

    @admin.display(description="size")
    def size(self, asset: CacheAsset) -> str:
        """Of our copy."""
        return "" if asset.byte_size is None else filesizeformat(asset.byte_size)

    @admin.display(description="pixels")
    def pixels(self, asset: CacheAsset) -> str:
        """Width and height."""
        return f"{asset.width}×{asset.height}" if asset.width else ""

    @admin.display(description="links")
    def links(self, asset: CacheAsset) -> str:
        """Where it comes from; signatures stay out of pages."""
        return ", ".join(urlsplit(url).hostname or "?" for url in asset.source_urls)

    @row_action("Fetch again", offered=lambda asset: asset.status == Status.COMPLETED)
    def fetch_again(self, request: HttpRequest, asset: CacheAsset) -> str:
        """Download a file that we have once more."""
        rows: Any = CacheAsset.objects.filter(pk=asset.pk)
        rows.requeue()
        wake(CacheAsset, [asset.pk])
        return f"{asset}: queued."

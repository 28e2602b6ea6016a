"""The site's name."""

from __future__ import annotations

from django.contrib import admin

admin.site.site_header = admin.site.site_title = "Carousel"
admin.site.index_title = "Overview"

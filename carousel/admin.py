"""The site's name, and what is always at hand: a row of links instead of a column of all lists."""

from __future__ import annotations

from django.contrib import admin

admin.site.site_header = admin.site.site_title = "Carousel"
admin.site.index_title = "Overview"
admin.site.enable_nav_sidebar = False
admin.site.site_url = None

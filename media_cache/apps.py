from __future__ import annotations

from django.apps import AppConfig


class MediaCacheConfig(AppConfig):
    name = "media_cache"
    verbose_name = "Media"

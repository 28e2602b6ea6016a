"""The decoders of this process."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from media_cache.convert import DecodeLimits, DecoderPool


@cache
def decoders() -> DecoderPool:
    """One decoder per worker process: a machine runs as many of these as it has cores."""
    limits = DecodeLimits(
        quality=settings.MEDIA_JPEG_QUALITY, max_file_bytes=settings.MEDIA_MAX_IMAGE_BYTES
    )
    return DecoderPool(settings.MEDIA_DECODERS, limits)

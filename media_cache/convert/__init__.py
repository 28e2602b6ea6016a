"""Pictures and videos that came from outside, checked and made fit to serve.

Knows no database and no settings. Pictures are decoded in other processes (by
``media_cache.decoder``); videos are only looked at, by their container.
"""

from __future__ import annotations

from media_cache.convert.errors import MediaRejected
from media_cache.convert.pool import DecoderPool
from media_cache.convert.process import DecodeLimits, Decoder, Picture
from media_cache.convert.video import VideoInfo, inspect_video

__all__ = [
    "DecodeLimits",
    "Decoder",
    "DecoderPool",
    "MediaRejected",
    "Picture",
    "VideoInfo",
    "inspect_video",
]

"""Downloads from URLs that came from outside. Knows no database and no settings."""

from __future__ import annotations

from media_cache.download.addresses import Resolve, system_resolve
from media_cache.download.backoff import HostBackoff
from media_cache.download.downloader import HEAD_BYTES, Downloaded, Downloader
from media_cache.download.errors import DownloadError, parse_retry_after, printable
from media_cache.download.policy import DownloadPolicy

__all__ = [
    "HEAD_BYTES",
    "DownloadError",
    "DownloadPolicy",
    "Downloaded",
    "Downloader",
    "HostBackoff",
    "Resolve",
    "parse_retry_after",
    "printable",
    "system_resolve",
]

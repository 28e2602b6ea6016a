"""Where our copies are: an S3 service (Cloudflare R2), or files when none is configured.

Both are Django storages, chosen by ``STORAGES["media"]``, with what Django's API has no word for:
put a finished local file under its content address, link to, list and remove many objects at once.
"""

from __future__ import annotations

from media_cache.storage.interface import (
    STORAGE_PAUSE,
    Links,
    MediaStorage,
    StoredObject,
    media_storage,
    scratch_folder,
)
from media_cache.storage.local import LocalMedia, disk_trouble
from media_cache.storage.s3 import MULTIPART_ABOVE, S3Media

__all__ = [
    "MULTIPART_ABOVE",
    "STORAGE_PAUSE",
    "Links",
    "LocalMedia",
    "MediaStorage",
    "S3Media",
    "StoredObject",
    "disk_trouble",
    "media_storage",
    "scratch_folder",
]

"""Where our copies are: an S3 service (Cloudflare R2), or files when none is configured.

Both are Django storages, chosen by ``STORAGES["media"]``, with two things that Django's API has
no word for: ``put`` a finished local file under its content address, and ``links`` to many
objects at once.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, cast
from urllib.parse import quote

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from storages.backends.s3 import S3Storage

from carousel.lib.errors import NotNow
from media_cache.presign import Bucket, presigned_links, window_start

MULTIPART_ABOVE = 16 * 1024**2  # bytes
STORAGE_PAUSE = 30.0  # seconds until a row whose copy could not be written is tried again


@dataclass(frozen=True, slots=True)
class Links:
    """Links by object key, and when they all end."""

    urls: dict[str, str]
    expire_at: datetime


class MediaStorage(Protocol):
    """What the media cache asks of a storage, besides Django's own methods."""

    def put(self, key: str, path: Path, content_type: str, sha256: str) -> None:
        """Store the file under ``key``, whole or not at all; it may be moved away.

        ``path`` is in ``scratch_folder()``. Raises NotNow when it can't be stored now.
        """

    def links(self, keys: Iterable[str]) -> Links:
        """Signed, expiring links; the same ones for a while, so that browsers can cache."""

    def check(self) -> None:
        """Raise NotNow with a reason if nothing can be stored right now."""

    def exists(self, name: str) -> bool: ...

    def delete(self, name: str) -> None: ...

    def open(self, name: str, mode: str = "rb") -> Any: ...


def media_storage() -> MediaStorage:
    return cast(MediaStorage, storages["media"])


def scratch_folder() -> Path:
    """A folder for files on their way, on the same disk as the copies when these are files."""
    folder = Path(settings.MEDIA_ROOT) / ".incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class S3Media(S3Storage):  # type: ignore[misc]
    """Objects in a bucket. Every upload carries its SHA-256, which the service checks."""

    _making_client = Lock()

    @cached_property
    def client(self) -> Any:
        """One client for all threads (boto3 clients are thread-safe, sessions are not)."""
        with self._making_client:
            return boto3.session.Session().client(
                "s3",
                endpoint_url=self.endpoint_url,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                region_name=self.region_name,
                config=Config(
                    s3={"addressing_style": self.addressing_style},
                    connect_timeout=5,
                    read_timeout=60,
                    retries={"mode": "standard", "total_max_attempts": 3},
                    max_pool_connections=max(settings.MEDIA_LANES, 10),
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )

    def put(self, key: str, path: Path, content_type: str, sha256: str) -> None:
        extra = {"ContentType": content_type, **self.object_parameters}
        try:
            if path.stat().st_size > MULTIPART_ABOVE:
                self._put_in_parts(key, path, extra)
                return
            with path.open("rb") as body:
                self.client.put_object(
                    Bucket=self.bucket_name,
                    Key=key,
                    Body=body,
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                    **extra,
                )
        except (ClientError, BotoCoreError, Boto3Error) as exc:
            raise NotNow(f"The media storage refused a copy: {exc}", wait=STORAGE_PAUSE) from exc

    def _put_in_parts(self, key: str, path: Path, extra: dict[str, str]) -> None:
        """A large object, part by part, each part with its own checksum."""
        self.client.upload_file(
            str(path),
            self.bucket_name,
            key,
            ExtraArgs={**extra, "ChecksumAlgorithm": "SHA256"},
            Config=TransferConfig(multipart_threshold=MULTIPART_ABOVE, max_concurrency=2),
        )

    def links(self, keys: Iterable[str]) -> Links:
        bucket = Bucket(
            self.endpoint_url, self.bucket_name, self.access_key, self.secret_key, self.region_name
        )
        seconds = self.querystring_expire
        return Links(*presigned_links(bucket, keys, now=time.time(), seconds=seconds))

    def check(self) -> None:
        try:
            self.client.head_bucket(Bucket=self.bucket_name)
        except (ClientError, BotoCoreError) as exc:
            raise NotNow(f"The media storage does not answer: {exc}", wait=STORAGE_PAUSE) from exc


class LocalMedia(FileSystemStorage):
    """Files under MEDIA_ROOT, served by the web process through signed, expiring links."""

    def __init__(self, location: Path, base_url: str, link_seconds: int) -> None:
        super().__init__(location=location, base_url=base_url)
        self.link_seconds = link_seconds

    def put(self, key: str, path: Path, content_type: str, sha256: str) -> None:
        target = Path(self.path(key))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(target)
        except OSError as exc:
            raise disk_trouble(exc, Path(self.location)) from exc

    def links(self, keys: Iterable[str]) -> Links:
        expires = window_start(time.time(), self.link_seconds) + self.link_seconds
        urls = {
            key: f"{self.base_url}{quote(key)}?expires={expires}&signature={_sign(key, expires)}"
            for key in keys
        }
        return Links(urls, datetime.fromtimestamp(expires, UTC))

    def verify(self, key: str, expires: int, signature: str) -> bool:
        """Whether a link to ``key`` is one of ours and has not ended."""
        genuine = hmac.compare_digest(_sign(key, expires), signature)
        return genuine and time.time() < expires

    def check(self) -> None:
        folder = Path(self.location)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}"
            probe.write_bytes(b"carousel")
            probe.unlink()
        except OSError as exc:
            raise disk_trouble(exc, folder) from exc


def _sign(key: str, expires: int) -> str:
    secret = hashlib.sha256(b"media link" + settings.SECRET_KEY.encode()).digest()
    mac = hmac.new(secret, f"{expires}:{key}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:18]).decode()


def disk_trouble(exc: OSError, folder: Path) -> NotNow:
    """What to say, and when to try again, after the disk refused a write."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = f"The disk of MEDIA_ROOT ({folder}) is full: make room or move MEDIA_ROOT."
    else:
        reason = f"Can't write to MEDIA_ROOT ({folder}): {exc.strerror}."
    return NotNow(reason, wait=STORAGE_PAUSE)

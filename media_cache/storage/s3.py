"""Copies in a bucket of an S3 service."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from storages.backends.s3 import S3Storage

from carousel.lib.errors import NotNow
from media_cache.presign import Bucket, presigned_links
from media_cache.storage.interface import STORAGE_PAUSE, Links, StoredObject
from media_cache.storage.parts import parts_of
from media_cache.storage.upload import Uploader, UploadRefused

MULTIPART_ABOVE = 16 * 1024**2  # bytes
CHUNK = 1024**2
# What boto3 calls a parameter is a header of the request.
_HEADERS = {"ContentType": "Content-Type", "CacheControl": "Cache-Control"}
_MISSING = ("404", "NoSuchKey", "NotFound")
# Words of the service, and what to look at. A HEAD is answered with the status alone.
_HINTS = {
    ("NoSuchBucket", "(404)"): "Check R2_BUCKET_NAME.",
    ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied", "(401)", "(403)"): (
        "Check R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY and what the key may do."
    ),
    ("Could not connect", "Connection refused", "service not known"): (
        "Check R2_ENDPOINT_URL or R2_ACCOUNT_ID."
    ),
}


class S3Media(S3Storage):  # type: ignore[misc]
    """Objects in a bucket. Every upload carries its SHA-256, which the service checks."""

    _making_client = Lock()

    @cached_property
    def _address(self) -> Bucket:
        """Where the objects are, for those who sign by themselves."""
        return Bucket(
            self.endpoint_url, self.bucket_name, self.access_key, self.secret_key, self.region_name
        )

    @cached_property
    def _uploader(self) -> Uploader:
        return Uploader(self._address, keep=max(settings.MEDIA_LANES, 10))

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
        """See ``MediaStorage``. A large object that is there already is not sent again."""
        extra = {"ContentType": content_type, **self.object_parameters}
        if path.stat().st_size > MULTIPART_ABOVE:
            with _trouble("refused a copy"):
                self._put_large(key, path, extra, sha256)
            return
        headers = {_HEADERS[name]: value for name, value in extra.items()}
        try:
            self._uploader.put(key, path, sha256, headers)
        except (UploadRefused, OSError, http.client.HTTPException) as exc:
            raise _not_now("refused a copy", str(exc) or type(exc).__name__) from exc

    def _put_large(self, key: str, path: Path, extra: dict[str, str], sha256: str) -> None:
        """A large object in parts, unless it is there: an upload may have succeeded unheard."""
        size = path.stat().st_size
        if self._is_there(key, size):
            return
        where = {"Bucket": self.bucket_name, "Key": key}
        made = self.client.create_multipart_upload(**where, ChecksumAlgorithm="SHA256", **extra)
        where["UploadId"] = made["UploadId"]
        try:
            parts = self._send_parts(where, path, sha256)
            self.client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
        except BaseException:
            with contextlib.suppress(ClientError, BotoCoreError, NotNow):
                if self._is_there(key, size):
                    return
                self.client.abort_multipart_upload(**where)
            raise

    def _send_parts(self, where: dict[str, str], path: Path, sha256: str) -> list[dict[str, Any]]:
        """Each part with its own checksum, and all of them together with the file's."""
        whole, sent = hashlib.sha256(), []
        for number, part in enumerate(parts_of(path), start=1):
            checksum = part.digest(whole)
            answer = self.client.upload_part(
                **where, PartNumber=number, Body=part, ChecksumSHA256=checksum
            )
            sent.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})
        if whole.hexdigest() != sha256:
            raise NotNow("A file changed on this disk while it was uploaded.", wait=STORAGE_PAUSE)
        return sent

    def _is_there(self, key: str, size: int) -> bool:
        """Under a content address, an object of the right size is the right one."""
        found = self.stat(key)
        return found is not None and found.size == size

    def links(self, keys: Iterable[str]) -> Links:
        """See ``MediaStorage``."""
        seconds = self.querystring_expire
        return Links(*presigned_links(self._address, keys, now=time.time(), seconds=seconds))

    def check(self) -> None:
        """See ``MediaStorage``."""
        with _trouble("does not answer"):
            self.client.head_bucket(Bucket=self.bucket_name)

    def stat(self, key: str) -> StoredObject | None:
        """See ``MediaStorage``."""
        with _trouble("does not answer"):
            try:
                found = self.client.head_object(Bucket=self.bucket_name, Key=key)
            except ClientError as exc:
                if exc.response["Error"]["Code"] in _MISSING:
                    return None
                raise
        return StoredObject(key, found["ContentLength"], found["LastModified"])

    def listing(self) -> Iterator[StoredObject]:
        """See ``MediaStorage``. S3 lists in the order of UTF-8 bytes, 1000 at a time."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name)
        with _trouble("could not be listed"):
            for page in pages:
                for found in page.get("Contents", ()):
                    yield StoredObject(found["Key"], found["Size"], found["LastModified"])

    def chunks(self, key: str) -> Iterator[bytes]:
        """See ``MediaStorage``."""
        with _trouble("could not be read"):
            try:
                body = self.client.get_object(Bucket=self.bucket_name, Key=key)["Body"]
            except ClientError as exc:
                if exc.response["Error"]["Code"] in _MISSING:
                    raise FileNotFoundError(key) from None
                raise
            with contextlib.closing(body):
                yield from body.iter_chunks(CHUNK)

    def remove(self, keys: Sequence[str]) -> None:
        """See ``MediaStorage``."""
        if not keys:
            return
        named = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        with _trouble("could not delete"):
            answer = self.client.delete_objects(Bucket=self.bucket_name, Delete=named)
        if errors := answer.get("Errors"):
            first = f"{errors[0].get('Key')}: {errors[0].get('Code')}"
            raise NotNow(
                f"The media storage kept {len(errors)} objects ({first}).", wait=STORAGE_PAUSE
            )

    def leftovers(self, before: datetime, *, remove: bool) -> int:
        """See ``MediaStorage``. Multipart uploads are paid for until they are aborted."""
        where, count = {"Bucket": self.bucket_name}, 0
        pages = self.client.get_paginator("list_multipart_uploads").paginate(**where)
        with _trouble("could not be listed"):
            for page in pages:
                for found in page.get("Uploads", ()):
                    if found["Initiated"] >= before:
                        continue
                    count += 1
                    if remove:
                        which = {"Key": found["Key"], "UploadId": found["UploadId"]}
                        self.client.abort_multipart_upload(**where, **which)
        return count


@contextlib.contextmanager
def _trouble(what: str) -> Iterator[None]:
    """Whatever the service says, or doesn't: our rows wait, and lose no attempt."""
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        raise _not_now(what, str(exc)) from exc


def _not_now(what: str, why: str) -> NotNow:
    """With the variable to look at, where what the service said tells which."""
    hints = [hint for words, hint in _HINTS.items() if any(word in why for word in words)]
    told = [f"The media storage {what}: {why.rstrip('.')}.", *hints[:1]]
    return NotNow(" ".join(told), wait=STORAGE_PAUSE)

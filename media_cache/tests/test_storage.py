"""Both storages: an S3 server that checks what R2 checks, and files of our own."""

from __future__ import annotations

import hashlib
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from carousel.lib.errors import NotNow
from carousel.settings import s3_storage
from carousel.tests import seaweed
from media_cache.presign import Bucket, presigned_links
from media_cache.storage import LocalMedia, media_storage, scratch_folder

CONTENT = b"\xff\xd8 the bytes of a slide"
KEY = "ab/abc def+ü~.jpg"


def put(key: str, content: bytes) -> None:
    path = scratch_folder() / "a-file"
    path.write_bytes(content)
    media_storage().put(key, path, "image/jpeg", hashlib.sha256(content).hexdigest())


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def bucket(r2: dict[str, str], **changes: str) -> Bucket:
    fields = {
        "endpoint_url": r2["R2_ENDPOINT_URL"],
        "name": r2["R2_BUCKET_NAME"],
        "access_key": r2["R2_ACCESS_KEY_ID"],
        "secret_key": r2["R2_SECRET_ACCESS_KEY"],
    }
    return Bucket(**{**fields, **changes})


def test_what_was_put_is_served_through_a_link_that_we_signed(s3: dict[str, str]) -> None:
    put(KEY, CONTENT)
    links = media_storage().links([KEY])
    assert get(links.urls[KEY]) == (200, CONTENT)
    head = seaweed.client(s3).head_object(Bucket="media", Key=KEY)
    assert head["ContentType"] == "image/jpeg"
    assert "immutable" in head["CacheControl"]


def test_what_is_configured_wrong_is_named(s3: dict[str, str], settings: Any) -> None:
    for changes, word in (
        ({"R2_SECRET_ACCESS_KEY": "wrong"}, "Check R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY"),
        ({"R2_BUCKET_NAME": "no-such-bucket"}, "Check R2_BUCKET_NAME."),
        ({"R2_ENDPOINT_URL": "http://127.0.0.1:9"}, "Check R2_ENDPOINT_URL"),
    ):
        settings.STORAGES = {**settings.STORAGES, "media": s3_storage({**s3, **changes})}
        for ask in (media_storage().check, lambda: list(media_storage().listing())):
            with pytest.raises(NotNow, match=word):
                ask()


def test_our_signature_is_the_one_that_boto3_makes(s3: dict[str, str]) -> None:
    now = time.time()
    links, _ = presigned_links(bucket(s3), [KEY], now=now, seconds=600)
    theirs = seaweed.client(s3).generate_presigned_url(
        "get_object", Params={"Bucket": "media", "Key": KEY}, ExpiresIn=600
    )
    assert links[KEY].partition("?")[0] == theirs.partition("?")[0]
    assert get(theirs) == get(links[KEY])


def test_a_link_of_yesterday_a_changed_one_and_one_with_another_secret_are_refused(
    s3: dict[str, str],
) -> None:
    put(KEY, CONTENT)
    old, _ = presigned_links(bucket(s3), [KEY], now=time.time() - 7200, seconds=600)
    forged, _ = presigned_links(bucket(s3, secret_key="x"), [KEY], now=time.time(), seconds=600)
    good = media_storage().links([KEY]).urls[KEY]
    assert get(old[KEY])[0] == 403
    assert get(forged[KEY])[0] == 403
    assert get(good.replace("ab/", "ac/"))[0] == 403


def test_an_upload_whose_bytes_were_changed_on_the_way_is_refused(s3: dict[str, str]) -> None:
    path = scratch_folder() / "changed"
    path.write_bytes(b"changed")
    with pytest.raises(NotNow, match="refused"):
        media_storage().put("x", path, "image/jpeg", hashlib.sha256(b"original").hexdigest())


def test_a_large_file_goes_up_in_parts(s3: dict[str, str]) -> None:
    content = b"0123456789abcdef" * (20 * 1024 * 1024 // 16)
    put("large.mp4", content)
    head = seaweed.client(s3).head_object(Bucket="media", Key="large.mp4")
    assert head["ContentLength"] == len(content)
    assert head["ETag"].strip('"').endswith("-2")


def test_a_storage_that_does_not_answer_costs_no_attempt(s3: dict[str, str], settings: Any) -> None:
    from carousel.settings import s3_storage

    down = s3_storage({**s3, "R2_ENDPOINT_URL": "http://127.0.0.1:9"})
    settings.STORAGES = {**settings.STORAGES, "media": down}
    with pytest.raises(NotNow):
        put("x", CONTENT)
    with pytest.raises(NotNow):
        media_storage().check()


def test_links_stay_the_same_within_half_of_their_life() -> None:
    where = Bucket("https://r2.example", "media", "a", "b")
    start = 1_800_000_000 // 1800 * 1800
    first, until = presigned_links(where, ["k"], now=start + 1, seconds=3600)
    later, _ = presigned_links(where, ["k"], now=start + 1799, seconds=3600)
    next_, _ = presigned_links(where, ["k"], now=start + 1801, seconds=3600)
    assert first == later != next_
    assert until.timestamp() == start + 3600


def local() -> LocalMedia:
    storage = media_storage()
    assert isinstance(storage, LocalMedia)
    return storage


def test_a_local_link_is_verified_and_ends() -> None:
    put(KEY, CONTENT)
    url = local().links([KEY]).urls[KEY]
    expires, signature = (part.partition("=")[2] for part in url.partition("?")[2].split("&"))
    assert local().verify(KEY, int(expires), signature)
    assert not local().verify("other", int(expires), signature)
    assert not local().verify(KEY, int(expires) + 1, signature)
    assert not local().verify(KEY, 1, signature)


def test_a_full_disk_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NotNow, match="is full"):
        put(KEY, CONTENT)

"""``manage.py check_media`` finds what differs between rows and storage, and mends it."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from carousel.lib.drain import drain
from carousel.lib.work import Status
from media_cache.models import CacheAsset, ReleasedObject
from media_cache.services import FLOW, MediaRequest, request_media
from media_cache.services.check import Options, check_media
from media_cache.storage import MediaStorage, media_storage, scratch_folder
from media_cache.tests.gradients import picture
from media_cache.tests.origin import Origin, answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("alone")]

OLD = timedelta(hours=2)


@pytest.fixture(autouse=True)
def _storage(either_storage: MediaStorage) -> None:
    """Each test is run on both."""


def check(*arguments: str) -> dict[str, Any]:
    """What the command answers, whether it is content or not."""
    out = io.StringIO()
    try:
        call_command("check_media", "--json", *arguments, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return {**json.loads(out.getvalue()), "complaint": str(error)}
    return {**json.loads(out.getvalue()), "complaint": ""}


def put(key: str, content: bytes) -> None:
    path = scratch_folder() / "a-file"
    path.write_bytes(content)
    media_storage().put(key, path, "image/jpeg", hashlib.sha256(content).hexdigest())
    path.unlink(missing_ok=True)


def keep(origin: Origin, count: int) -> list[CacheAsset]:
    """So many stored pictures, all different."""
    for number in range(count):
        origin.answers[f"/{number}"] = [answer(picture(seed=40 * number))]
    requests = [MediaRequest("image", f"{n}", (f"{origin.url}/{n}",)) for n in range(count)]
    request_media(requests)
    drain(FLOW)
    stored = list(CacheAsset.objects.filter(status=Status.COMPLETED).order_by("source_key"))
    assert len({asset.storage_key for asset in stored}) == count
    return stored


def test_nothing_is_found_where_nothing_is_wrong(origin: Origin) -> None:
    assets = keep(origin, 3)
    CacheAsset(
        source_key="twin",
        kind="image",
        status=Status.COMPLETED,
        sha256=assets[0].sha256,
        storage_key=assets[0].storage_key,
        byte_size=assets[0].byte_size,
    ).save()
    CacheAsset.objects.create(source_key="waiting", kind="image")
    found = check("--deep")
    assert (found["problems"], found["rows"], found["objects"]) == (0, 4, 3)
    assert found["bytes"] == sum(asset.byte_size or 0 for asset in assets)
    assert found["complaint"] == ""


def test_everything_that_is_wrong_is_found_and_nothing_is_touched(origin: Origin) -> None:
    lost, shrunk, garbled, _ = keep(origin, 4)
    media_storage().remove([lost.storage_key])
    CacheAsset.objects.filter(pk=shrunk.pk).update(byte_size=7)
    put(garbled.storage_key, b"x" * (garbled.byte_size or 0))
    put(f"ab/ab{'0' * 62}.jpg", b"nobody's")
    put("notes/readme.txt", b"of somebody else")
    before = list(CacheAsset.objects.order_by("pk").values())
    found = check("--grace", "0")
    counted = ("missing", "wrongSize", "wrongChecksum", "orphaned", "foreign")
    assert [found[name] for name in counted] == [1, 1, 0, 1, 1]
    assert found["orphanedBytes"] == 8
    assert found["complaint"].startswith("3 problems")
    assert any(lost.storage_key in example for example in found["examples"])
    assert check("--grace", "0", "--deep")["wrongChecksum"] == 1
    assert list(CacheAsset.objects.order_by("pk").values()) == before
    assert media_storage().stat(f"ab/ab{'0' * 62}.jpg") is not None


def test_repair_brings_everything_back(origin: Origin) -> None:
    lost, shrunk, garbled, halved = keep(origin, 4)
    media_storage().remove([lost.storage_key])
    CacheAsset.objects.filter(pk=shrunk.pk).update(byte_size=7)
    put(garbled.storage_key, b"x" * (garbled.byte_size or 0))
    put(halved.storage_key, b"half")
    put(f"ab/ab{'0' * 62}.jpg", b"nobody's")
    found = check("--grace", "0", "--deep", "--repair")
    assert (found["requeued"], found["sizesFixed"], found["orphansRemoved"]) == (3, 1, 1)
    assert found["complaint"] == ""
    again = CacheAsset.objects.filter(status=Status.PENDING)
    assert {asset.pk for asset in again} == {lost.pk, garbled.pk, halved.pk}
    assert not again.exclude(storage_key="").exists()
    drain(FLOW)
    assert check("--grace", "0", "--deep")["problems"] == 0
    after = CacheAsset.objects.order_by("source_key").values_list("status", "sha256", "byte_size")
    assert list(after) == [
        (Status.COMPLETED, asset.sha256, asset.byte_size)
        for asset in (lost, shrunk, garbled, halved)
    ]
    assert media_storage().stat(f"ab/ab{'0' * 62}.jpg") is None
    assert not ReleasedObject.objects.exists()


def test_a_lost_file_whose_links_have_died_asks_for_fresh_ones(origin: Origin) -> None:
    (asset,) = keep(origin, 1)
    media_storage().remove([asset.storage_key])
    CacheAsset.objects.update(expires_at=datetime.now(UTC) - OLD)
    check("--repair")
    heard: list[object] = []
    from media_cache.signals import links_died

    def listen(sender: object, asset_ids: list[object], **_: object) -> None:
        heard.extend(asset_ids)

    links_died.connect(listen)
    try:
        drain(FLOW)
    finally:
        links_died.disconnect(listen)
    assert heard == [asset.pk]


def test_what_a_repair_that_was_killed_left_behind_is_taken_up_by_the_next(origin: Origin) -> None:
    (asset,) = keep(origin, 1)
    CacheAsset.objects.update(status=Status.BLOCKED, error_code="repair", storage_key="", sha256="")
    assert check("--repair")["requeued"] == 1
    drain(FLOW)
    assert media_storage().stat(asset.storage_key) is not None


def test_an_object_that_was_just_uploaded_is_not_orphaned() -> None:
    put(f"ab/ab{'1' * 62}.jpg", b"its row is about to be written")
    assert check("--repair")["orphaned"] == 0
    assert media_storage().stat(f"ab/ab{'1' * 62}.jpg") is not None


def test_somebody_elses_bucket_is_not_emptied() -> None:
    for number in range(4):
        put(f"ab/ab{number}{'0' * 61}.jpg", b"theirs")
    found = check("--grace", "0", "--repair")
    assert found["orphaned"] == 4
    assert found["orphansRemoved"] == 0
    assert "bucket" in found["complaint"]
    assert len(list(media_storage().listing())) == 4
    assert check("--grace", "0", "--repair", "--all-orphans")["orphansRemoved"] == 4
    assert list(media_storage().listing()) == []


@pytest.mark.parametrize("either_storage", ["files"], indirect=True)
def test_memory_stays_the_same_with_any_number_of_rows() -> None:
    rows_of_a_run = (1_000, 6_000)
    peaks = []
    for number in rows_of_a_run:
        make_rows(number)
        tracemalloc.start()
        found = check_media(Options(), lambda report: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found.missing == number
        assert len(found.examples) == 20
    assert peaks[1] < 2 * max(peaks[0], 4 * 1024**2)


def make_rows(number: int) -> None:
    """Rows, all different, that point to objects which are not there."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM media_cache_cacheasset")
        cursor.execute(
            """
            INSERT INTO media_cache_cacheasset (id, kind, source_key, source_urls, status, priority,
                attempts, error, error_code, sha256, storage_key, content_type,
                original_content_type, byte_size)
            SELECT gen_random_uuid(), 'image', 'k' || n, '{}', 'completed', 10, 0, '', '', h,
                   left(h, 2) || '/' || h || '.jpg', '', '', 1
            FROM generate_series(1, %s) AS n, LATERAL encode(sha256(n::text::bytea), 'hex') AS h
            """,
            [number],
        )

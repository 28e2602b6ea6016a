"""The same bytes are one object; it goes with the last row that points to it, and never before."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from carousel.lib.drain import drain
from carousel.lib.errors import NotNow
from media_cache.models import CacheAsset, ReleasedObject
from media_cache.services import FLOW, MediaRequest, remove_released, request_media
from media_cache.services.objects import storing
from media_cache.storage import MediaStorage, media_storage, scratch_folder
from media_cache.tasks import sweep
from media_cache.tests.gradients import picture
from media_cache.tests.origin import Origin, answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("alone")]


@pytest.fixture(autouse=True)
def _storage(either_storage: MediaStorage) -> None:
    """Each test is run on both."""


def address(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"{digest[:2]}/{digest}.jpg"


def put(content: bytes) -> str:
    path = scratch_folder() / f"file-{threading.get_ident()}"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    media_storage().put(address(content), path, "image/jpeg", digest)
    path.unlink(missing_ok=True)
    return address(content)


def row(name: str, content: bytes) -> CacheAsset:
    asset: CacheAsset = CacheAsset.objects.create(
        kind="image",
        source_key=name,
        status="completed",
        sha256=hashlib.sha256(content).hexdigest(),
        storage_key=address(content),
    )
    return asset


def is_there(content: bytes) -> bool:
    return media_storage().stat(address(content)) is not None


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def delete_through_the_model() -> None:
    CacheAsset.objects.get(source_key="a").delete()


def delete_by_hand() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM media_cache_cacheasset WHERE source_key = 'a'")


def forget_the_copy() -> None:
    CacheAsset.objects.filter(source_key="a").update(storage_key="")


@pytest.mark.parametrize("let_go", [delete_through_the_model, delete_by_hand, forget_the_copy])
def test_an_object_goes_with_its_last_row_however_that_goes(let_go: Callable[[], None]) -> None:
    content = let_go.__name__.encode()
    put(content)
    row("a", content)
    other = row("b", content)
    let_go()
    assert remove_released() == 0
    assert is_there(content)
    assert not ReleasedObject.objects.exists()
    other.delete()
    sweep()
    assert not is_there(content)
    assert not ReleasedObject.objects.exists()


def test_a_deletion_that_is_rolled_back_removes_nothing() -> None:
    put(b"kept")
    asset = row("a", b"kept")
    with transaction.atomic():
        asset.delete()
        transaction.set_rollback(True)
    assert remove_released() == 0
    assert is_there(b"kept")


def test_what_somebody_is_just_storing_is_left_alone() -> None:
    """A row goes while another worker, which has uploaded the same bytes, is about to write its."""
    row("old", b"same")
    with storing(put(b"same")):
        CacheAsset.objects.filter(source_key="old").delete()
        removed: list[int] = []
        in_thread(lambda: removed.append(remove_released())).join()
        assert removed == [0]
        row("new", b"same")
    assert remove_released() == 0
    assert is_there(b"same")
    assert not ReleasedObject.objects.exists()


def test_a_row_that_lets_go_while_its_object_is_looked_at_is_not_overlooked() -> None:
    """The look still sees the row; its deletion is committed before the look is written off."""
    put(b"two")
    row("a", b"two").delete()
    last = row("b", b"two")
    deleted, looked = threading.Event(), threading.Event()

    def delete_slowly() -> None:
        with transaction.atomic():
            last.delete()
            deleted.set()
            looked.wait(10)
            time.sleep(0.2)  # the removal waits for this transaction by now

    thread = in_thread(delete_slowly)
    assert deleted.wait(10)
    looked.set()
    assert remove_released() in (0, 1)
    thread.join()
    remove_released()
    assert not is_there(b"two")
    assert not ReleasedObject.objects.exists()


def test_storing_and_removing_at_once_leaves_no_row_without_its_object() -> None:
    ends = time.monotonic() + 1.5
    lost: list[str] = []
    stored: set[str] = set()

    def store_and_delete(name: str) -> None:
        content = name[:1].encode()  # what "a1" and "a2" store is the same
        with storing(address(content)):
            put(content)
            asset = row(name, content)
        if not is_there(content):
            lost.append(name)
        asset.delete()
        stored.add(name)

    def keep_storing(name: str) -> None:
        while time.monotonic() < ends and not lost:
            with contextlib.suppress(NotNow):
                store_and_delete(name)

    def keep_removing() -> None:
        while time.monotonic() < ends and not lost:
            remove_released(seconds=0.5)

    threads = [in_thread(partial(keep_storing, name)) for name in ("a1", "a2", "b")]
    threads += [in_thread(keep_removing) for _ in range(2)]
    for thread in threads:
        thread.join()
    assert lost == []
    assert stored == {"a1", "a2", "b"}
    remove_released()
    assert not is_there(b"a")
    assert not is_there(b"b")


def test_many_rows_go_in_one_statement() -> None:
    contents = [f"{number}".encode() for number in range(40)]
    for number, content in enumerate(contents):
        put(content)
        row(f"a{number}", content)
        row(f"b{number}", content)
    keep = row("keep", contents[7])
    CacheAsset.objects.exclude(pk=keep.pk).delete()
    assert remove_released() == 39
    assert [is_there(content) for content in contents].count(True) == 1
    assert is_there(contents[7])


def test_other_bytes_for_the_same_source_replace_the_copy(origin: Origin) -> None:
    bodies = [picture(seed=1), picture(seed=2)]
    for body in bodies:
        origin.answers["/a"] = [answer(body)]
        request_media([MediaRequest("image", "key", (f"{origin.url}/a",))], refetch=True)
        drain(FLOW)
    assert remove_released() == 1
    assert [is_there(body) for body in bodies] == [False, True]


def test_a_row_that_is_deleted_while_it_is_stored_leaves_no_object(origin: Origin) -> None:
    body = picture(seed=3)
    origin.answers["/a"] = [0.5, answer(body)]
    request_media([MediaRequest("image", "key", (f"{origin.url}/a",))])
    thread = in_thread(partial(drain, FLOW))
    while not origin.requests:
        time.sleep(0.02)
    CacheAsset.objects.all().delete()
    thread.join()
    assert remove_released() == 1
    assert not is_there(body)


def test_a_storage_that_can_not_delete_now_keeps_the_tick_alive(
    settings: Any, request: pytest.FixtureRequest
) -> None:
    from carousel.settings import s3_storage

    s3 = request.getfixturevalue("s3")
    put(b"stays")
    row("a", b"stays").delete()
    up = settings.STORAGES
    down = s3_storage({**s3, "R2_ENDPOINT_URL": "http://127.0.0.1:9"})
    settings.STORAGES = {**up, "media": down}
    sweep()
    assert ReleasedObject.objects.count() == 1
    settings.STORAGES = up
    sweep()
    assert not is_there(b"stays")

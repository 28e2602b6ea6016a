"""Asking for files: once per identity, whoever asks and however often."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.services import MediaRequest, request_media, source_gone, urls_for
from media_cache.signals import assets_settled

pytestmark = pytest.mark.django_db

SOON = datetime(2030, 1, 1, tzinfo=UTC)
SIGNED = "https://p16.tiktokcdn.com/a~x.jpeg?x-signature=a%2Fb%2Bc%3D&y=%7e"


def wanted(key: str = "k", *urls: str, kind: str = "image") -> MediaRequest:
    return MediaRequest(kind, key, urls or (SIGNED,), SOON, 7)


def test_a_signed_link_keeps_its_exact_bytes() -> None:
    request_media([wanted("k", SIGNED, "https://second.example/ü?a=b\\c")])
    assert CacheAsset.objects.get().source_urls == [SIGNED, "https://second.example/ü?a=b\\c"]


def test_asking_twice_is_harmless() -> None:
    first = request_media([wanted("a"), wanted("b")])
    second = request_media([wanted("b"), wanted("a"), wanted("a")])
    assert first == second
    assert CacheAsset.objects.count() == 2


def test_a_file_that_waits_gets_the_newest_links() -> None:
    request_media([wanted("k", "https://old.example")])
    request_media([wanted("k", "https://new.example")])
    asset = CacheAsset.objects.get()
    assert (asset.source_urls, asset.status) == (["https://new.example"], Status.PENDING)


@pytest.mark.parametrize(
    ("status", "code", "after"),
    [
        (Status.BLOCKED, "link_dead", Status.PENDING),
        (Status.FAILED, "source_gone", Status.PENDING),
        (Status.FAILED, "not_found", Status.PENDING),
        (Status.FAILED, "decode_failed", Status.FAILED),
        (Status.FAILED, "cleared", Status.FAILED),
        (Status.RUNNING, "", Status.RUNNING),
        (Status.COMPLETED, "", Status.COMPLETED),
    ],
)
def test_fresh_links_wake_what_they_can_heal(status: str, code: str, after: str) -> None:
    request_media([wanted()])
    CacheAsset.objects.update(status=status, error_code=code, attempts=5)
    request_media([wanted("k", "https://fresh.example")])
    asset = CacheAsset.objects.get()
    assert asset.status == after
    assert (asset.attempts == 0) == (after == Status.PENDING)
    assert (asset.source_urls == ["https://fresh.example"]) == (status != Status.COMPLETED)


def test_refetching_starts_a_stored_file_over_and_keeps_serving_its_copy() -> None:
    request_media([wanted()])
    CacheAsset.objects.update(status=Status.COMPLETED, storage_key="ab/cd.jpg")
    request_media([wanted()], refetch=True)
    asset = CacheAsset.objects.get()
    assert asset.status == Status.PENDING
    assert not urls_for([asset])[asset.pk].is_fallback


def test_a_page_costs_the_same_few_statements_whatever_its_size(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(3):  # look up, a savepoint and its end, and a COPY, not counted
        request_media([wanted(f"k{number}") for number in range(300)])
    with django_assert_num_queries(2):  # look up, fresh links
        request_media([wanted(f"k{number}") for number in range(300)])
    CacheAsset.objects.update(status=Status.COMPLETED)
    with django_assert_num_queries(1):  # look up
        request_media([wanted(f"k{number}") for number in range(300)])


def updates() -> tuple[int, int]:
    """Rows updated, and those of them that no index had to be written for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables "
            "WHERE relname = 'media_cache_cacheasset'"
        )
        every, hot = cursor.fetchone()
        return every, hot


def test_fresh_links_write_no_index() -> None:
    url = "https://cdn.example/" + "x" * 300
    request_media([wanted(f"k{key}", url) for key in range(270)])
    before = updates()
    request_media([wanted(f"k{key}", f"{url}y") for key in range(270)])
    after = updates()
    assert [now - then for now, then in zip(after, before, strict=True)] == [270, 270]


@pytest.mark.django_db(transaction=True)
def test_a_file_that_somebody_else_asks_for_at_the_same_moment_is_one_row() -> None:
    """Two pages with the same new sound: both have looked, and seen that nobody has it."""
    looked, asked = threading.Event(), threading.Event()
    theirs: dict[str, UUID] = {}

    def other() -> None:
        with transaction.atomic():
            theirs.update(request_media([wanted("sound", kind="audio"), wanted("b")]))
            looked.set()
            asked.wait(5)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    looked.wait(5)
    threading.Timer(0.3, asked.set).start()  # they commit while ours waits for them
    ours = request_media([wanted("a"), wanted("sound", kind="audio"), wanted("c")])
    thread.join()
    assert ours["sound"] == theirs["sound"]
    stored = dict(CacheAsset.objects.values_list("source_key", "pk"))
    assert stored == theirs | ours
    assert sorted(stored) == ["a", "b", "c", "sound"]


@pytest.mark.django_db(transaction=True)
def test_pages_that_share_files_do_not_deadlock_or_double_them() -> None:
    keys = [f"k{number}" for number in range(50)]
    together = threading.Barrier(6)
    failures: list[Exception] = []

    def page(number: int) -> None:
        mine = keys if number % 2 else keys[::-1]
        try:
            for _ in range(5):
                together.wait()
                with transaction.atomic():
                    request_media([wanted(key) for key in mine])
        except Exception as exc:  # noqa: BLE001 - told by the assertion below
            failures.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=page, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert CacheAsset.objects.count() == 50


def test_links_of_many_assets_cost_no_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    request_media([wanted(f"k{number}") for number in range(100)])
    CacheAsset.objects.filter(source_key__lt="k5").update(storage_key="ab/c.jpg")
    assets = list(CacheAsset.objects.all())
    with django_assert_num_queries(0):
        links = urls_for(assets, base_url="https://carousel.example")
    for asset in assets:
        link = links[asset.pk]
        assert link.is_fallback is not bool(asset.storage_key)
        start = "https://carousel.example/media/" if asset.storage_key else SIGNED
        assert (link.url or "").startswith(start)


def test_a_link_that_is_known_dead_is_not_handed_out() -> None:
    request_media([wanted("a"), wanted("b")])
    CacheAsset.objects.filter(source_key="a").update(status=Status.BLOCKED)
    CacheAsset.objects.filter(source_key="b").update(
        expires_at=datetime.now(UTC) - timedelta(minutes=1)
    )
    assert {link.url for link in urls_for(CacheAsset.objects.all()).values()} == {None}


def test_a_source_that_is_gone_ends_what_waits_for_it_and_says_so() -> None:
    ids = request_media([wanted("a"), wanted("b")])
    CacheAsset.objects.filter(source_key="a").update(status=Status.BLOCKED)
    heard: list[object] = []

    def listen(sender: object, asset_ids: list[object], **_: object) -> None:
        heard.extend(asset_ids)

    assets_settled.connect(listen)
    try:
        assert source_gone(list(ids.values()), "The post is gone.") == 1
    finally:
        assets_settled.disconnect(listen)
    gone = CacheAsset.objects.get(source_key="a")
    assert (gone.status, gone.error_code) == (Status.FAILED, "source_gone")
    assert gone.pk in heard

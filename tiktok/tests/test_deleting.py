"""What goes with a profile, and what others still show."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from carousel.lib.ids import uuid7
from media_cache.models import CacheAsset, ReleasedObject
from media_cache.services import delete_unreferenced
from ocr.models import Reading, SlideReading
from ocr.services.request import name_slides
from tiktok.bulk_upsert import bulk_upsert
from tiktok.models import PostMetrics, Slide, TikTokPost, TikTokProfile
from tiktok.scraper.schemas import ScrapedMusic
from tiktok.services import delete_profile
from tiktok.tests.factories import NOON, make_profile, scraped_media, scraped_post

pytestmark = pytest.mark.django_db


def shared_sound() -> ScrapedMusic:
    return ScrapedMusic("Song", "Singer", "77", scraped_media("audio", "the-sound"))


def keep_all() -> None:
    """As if every file had been stored, each with bytes of its own."""
    for asset in CacheAsset.objects.all():
        asset.sha256 = asset.pk.hex * 2
        asset.storage_key = f"{asset.sha256[:2]}/{asset.sha256}.jpg"
        asset.status = "completed"
        asset.save()


def test_a_profile_goes_with_all_that_is_its_own() -> None:
    profile = make_profile(1)
    avatar = CacheAsset.objects.create(kind="avatar", source_key="face")
    TikTokProfile.objects.filter(pk=profile.pk).update(avatar=avatar)
    bulk_upsert(profile, [scraped_post(n, author=profile) for n in range(3)], captured_at=NOON)
    keep_all()
    keys = set(CacheAsset.objects.values_list("storage_key", flat=True))
    assert len(keys) == 3 * 4 + 1
    delete_profile(profile)
    for model in (TikTokProfile, TikTokPost, Slide, PostMetrics, Reading, SlideReading, CacheAsset):
        assert not model.objects.exists(), model
    assert set(ReleasedObject.objects.values_list("storage_key", flat=True)) == keys


def test_what_another_profile_shows_stays() -> None:
    mine, theirs = make_profile(1), make_profile(2)
    sound = shared_sound()
    bulk_upsert(mine, [scraped_post(1, author=mine, music=sound)], captured_at=NOON)
    bulk_upsert(theirs, [scraped_post(2, author=theirs, music=sound)], captured_at=NOON)
    keep_all()
    name_slides(Reading.objects.all())
    delete_profile(mine)
    kept = set(CacheAsset.objects.values_list("source_key", flat=True))
    assert kept == {"the-sound", "cover-2", "slide-2-0", "slide-2-1"}
    assert SlideReading.objects.count() == 2
    assert ReleasedObject.objects.count() == 3


def test_a_picture_that_only_a_reading_holds_stays() -> None:
    profile = make_profile(1)
    bulk_upsert(profile, [scraped_post(1, author=profile, slides=1)], captured_at=NOON)
    slide = CacheAsset.objects.get(source_key="slide-1-0")
    other = Reading.objects.create(status="completed")
    SlideReading.objects.create(reading=other, position=0, asset=slide)
    delete_profile(profile)
    assert list(CacheAsset.objects.all()) == [slide]


def test_a_large_profile_goes_in_few_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    profile = make_profile(1)
    posts = [scraped_post(number, author=profile, slides=4) for number in range(200)]
    bulk_upsert(profile, posts, captured_at=NOON)
    assert CacheAsset.objects.count() == 1200
    with django_assert_max_num_queries(120):
        delete_profile(profile)
    assert not CacheAsset.objects.exists()


def test_nothing_is_deleted_that_was_not_named() -> None:
    named = CacheAsset.objects.create(kind="image", source_key="a")
    CacheAsset.objects.create(kind="image", source_key="b")
    assert delete_unreferenced([named.pk, uuid7()]) == 1
    assert CacheAsset.objects.get().source_key == "b"


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_a_page_that_shows_a_file_while_its_last_profile_goes_gets_it_anew() -> None:
    """The page has looked the sound up; before it commits, the sound is deleted."""
    mine, theirs = make_profile(1), make_profile(2)
    sound = shared_sound()
    bulk_upsert(mine, [scraped_post(1, author=mine, music=sound)], captured_at=NOON)
    old = CacheAsset.objects.get(source_key="the-sound").pk
    keep_all()
    looked_up, deleted = threading.Event(), threading.Event()

    def delete() -> None:
        looked_up.wait(10)
        delete_profile(mine)
        deleted.set()

    thread = in_thread(delete)
    with connection.execute_wrapper(Pause("INSERT INTO tiktok_tiktokpost", looked_up, deleted)):
        bulk_upsert(theirs, [scraped_post(2, author=theirs, music=sound)], captured_at=NOON)
    thread.join()
    shown = TikTokPost.objects.get().music_asset
    assert shown is not None
    assert (shown.source_key, shown.status) == ("the-sound", "pending")
    assert shown.pk != old


@pytest.mark.django_db(transaction=True)
def test_a_file_that_another_page_shows_just_now_is_not_deleted() -> None:
    """The page commits between the look at the references and the end of the deletion."""
    mine, theirs = make_profile(1), make_profile(2)
    sound = shared_sound()
    bulk_upsert(mine, [scraped_post(1, author=mine, music=sound)], captured_at=NOON)
    keep_all()
    looked, stored = threading.Event(), threading.Event()

    def store() -> None:
        looked.wait(10)
        bulk_upsert(theirs, [scraped_post(2, author=theirs, music=sound)], captured_at=NOON)
        stored.set()

    thread = in_thread(store)
    with connection.execute_wrapper(Pause('DELETE FROM "media_cache_cacheasset"', looked, stored)):
        delete_profile(mine)
    thread.join()
    shown = TikTokPost.objects.get().music_asset
    assert shown is not None
    assert shown.source_key == "the-sound"
    assert not TikTokProfile.objects.filter(pk=mine.pk).exists()


class Pause:
    """Before the first statement that contains ``text``: tell, and wait a little for an answer."""

    def __init__(self, text: str, tell: threading.Event, answer: threading.Event) -> None:
        self.text, self.tell, self.answer = text, tell, answer

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        if self.text in sql and not self.tell.is_set():
            self.tell.set()
            self.answer.wait(1)
        return execute(sql, params, many, context)


def test_a_transaction_of_the_caller_is_respected() -> None:
    profile = make_profile(1)
    bulk_upsert(profile, [scraped_post(1, author=profile)], captured_at=NOON)
    with transaction.atomic():
        delete_profile(profile)
        transaction.set_rollback(True)
    assert TikTokPost.objects.count() == 1
    assert CacheAsset.objects.count() == 4

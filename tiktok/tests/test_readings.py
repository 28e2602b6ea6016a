"""Having posts read, fetched and corrected; and what is left of a deleted profile."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from carousel.lib.work import Priority, Status
from media_cache.models import CacheAsset
from ocr.models import PostCategory, Reading, SlideReading
from tiktok.bulk_upsert import bulk_upsert
from tiktok.models import ApiCall, TikTokPost, TikTokProfile
from tiktok.services import (
    NotAPhotoPost,
    SlidesUnknown,
    assets_of,
    correct_slide,
    delete_profile,
    perform_batch_ocr,
    perform_ocr_for_post,
    read_forgotten_posts,
    request_post_media,
    set_post_category,
)
from tiktok.tests.factories import NOON, make_profile, scraped_post

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile() -> TikTokProfile:
    """Two photo posts, a video, and a photo post whose slides nobody knows."""
    found = make_profile()
    bare = scraped_post(4, author=found, slides=0, slides_known=False, video=None)
    posts = [scraped_post(1, author=found), scraped_post(2, author=found, slides=3)]
    posts += [scraped_post(3, author=found, slides=0), bare]
    bulk_upsert(found, posts, captured_at=NOON + timedelta(days=9))
    return found


def post(number: int) -> TikTokPost:
    return TikTokPost.objects.get(tiktok_id=f"75{number:017}")


def test_a_post_is_read_ahead_of_the_schedule(profile: TikTokProfile) -> None:
    reading = perform_ocr_for_post(post(1))
    assert reading == post(1).reading
    assert (reading.status, reading.priority) == (Status.BLOCKED, Priority.PERSON)


def test_a_reading_that_was_deleted_is_asked_for_again(profile: TikTokProfile) -> None:
    Reading.objects.all().delete()
    assert post(2).reading is None
    reading = perform_ocr_for_post(post(2))
    assert post(2).reading == reading
    assert reading.awaited == [slide.asset_id for slide in post(2).slides.all()]
    assert reading.context == "Caption 2 #tag"


def test_posts_without_a_reading_are_found(profile: TikTokProfile) -> None:
    Reading.objects.all().delete()
    assert read_forgotten_posts() == 2
    assert read_forgotten_posts() == 0
    assert set(Reading.objects.values_list("priority", flat=True)) == {Priority.SCHEDULE}


def test_a_video_and_a_post_without_slides_are_refused_in_words(profile: TikTokProfile) -> None:
    with pytest.raises(NotAPhotoPost, match="is a video"):
        perform_ocr_for_post(post(3))
    with pytest.raises(SlidesUnknown, match="not known yet"):
        perform_ocr_for_post(post(4))


def test_one_bad_post_of_a_batch_fails_alone(profile: TikTokProfile) -> None:
    ids = [str(post(n).pk) for n in (2, 3, 1, 4, 2)] + [str(uuid4()), "no-uuid"]
    outcomes = perform_batch_ocr(ids)
    assert [o.post_id for o in outcomes] == [*ids[:4], *ids[5:]]
    assert [o.success for o in outcomes] == [True, False, True, False, False, False]
    assert [o.ocr_status for o in outcomes] == [Status.BLOCKED, None, Status.BLOCKED] + [None] * 3
    assert outcomes[0].error == ""
    assert "video" in outcomes[1].error
    assert "no such post" in outcomes[5].error


def test_a_persons_words_and_category_are_kept(profile: TikTokProfile) -> None:
    slide = correct_slide(post(1), 1, text="Mine", slide_type="cta")
    assert (slide.text, slide.slide_type, slide.source) == ("Mine", "cta", "human")
    with pytest.raises(SlideReading.DoesNotExist):
        correct_slide(post(1), 7, text="Nowhere")
    category = PostCategory.objects.create(name="Travel")
    set_post_category(post(1), category)
    reading = Reading.objects.get(posts=post(1))
    assert (reading.category, reading.category_source) == (category, "human")
    with pytest.raises(NotAPhotoPost):
        set_post_category(post(3), category)


def test_the_files_of_a_post_come_in_order_and_can_be_fetched_again(
    profile: TikTokProfile,
) -> None:
    keys = [asset.source_key for asset in assets_of(post(2))]
    assert keys == ["slide-2-0", "slide-2-1", "slide-2-2", "cover-2", "sound-2"]
    CacheAsset.objects.update(status=Status.COMPLETED, storage_key="x", sha256="y")
    assert request_post_media(post(2)) == 5
    assert not CacheAsset.objects.filter(status=Status.PENDING).exists()
    assert request_post_media(post(2), refetch=True) == 5
    again = CacheAsset.objects.filter(status=Status.PENDING)
    assert sorted(again.values_list("source_key", flat=True)) == sorted(keys)


def test_files_that_a_person_asks_for_go_first(profile: TikTokProfile) -> None:
    request_post_media(post(2))
    first = CacheAsset.objects.filter(priority=Priority.PERSON)
    assert set(first) == set(assets_of(post(2)))


def test_a_deleted_profile_takes_its_posts_and_readings_and_leaves_the_ledger(
    profile: TikTokProfile,
) -> None:
    other = make_profile(2)
    bulk_upsert(other, [scraped_post(9, author=other)], captured_at=NOON + timedelta(days=9))
    ApiCall.objects.create(pk=uuid4(), started_at=NOON, endpoint="/x", profile=profile)
    delete_profile(profile)
    assert TikTokPost.objects.count() == Reading.objects.count() == 1
    assert ApiCall.objects.get().profile is None
    assert not CacheAsset.objects.filter(source_key="slide-1-0").exists()  # nobody else shows it

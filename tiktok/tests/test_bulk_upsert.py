"""A page of posts in the database: all or nothing, once, and with exact totals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.test.utils import CaptureQueriesContext

from carousel.lib.work import Priority, Status
from media_cache.models import CacheAsset
from ocr.models import Reading
from tiktok.bulk_upsert import bulk_upsert, recompute_totals
from tiktok.models import (
    PostMetrics,
    ProfileMonitoringLog,
    Slide,
    TikTokPost,
    TikTokProfile,
    Trigger,
)
from tiktok.tests.factories import NOON, make_profile, scraped_post

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=30)


def store(profile: TikTokProfile, *posts: Any, hours: float = 0, **options: Any) -> Any:
    """Upsert, as seen so many hours after the first time."""
    return bulk_upsert(profile, posts, captured_at=LATER + timedelta(hours=hours), **options)


def totals_of(profile: TikTokProfile) -> tuple[int, ...]:
    profile.refresh_from_db()
    return (
        profile.total_posts,
        profile.total_views,
        profile.total_likes,
        profile.total_comments,
        profile.total_shares,
        profile.total_saves,
    )


def sums_of(profile: TikTokProfile) -> tuple[int, ...]:
    names = ("view_count", "like_count", "comment_count", "share_count", "save_count")
    found = TikTokPost.objects.filter(profile=profile).aggregate(
        Count("pk"), *(Sum(name) for name in names)
    )
    return tuple(value or 0 for value in found.values())


def series(number: int) -> list[int | None]:
    rows = PostMetrics.objects.filter(post__tiktok_id=f"75{number:017}").order_by("captured_at")
    return list(rows.values_list("view_count", flat=True))


def test_a_page_stores_posts_slides_assets_readings_and_snapshots() -> None:
    profile = make_profile()
    result = store(profile, *(scraped_post(n, author=profile, slides=3) for n in range(1, 4)))
    assert (result.created, result.updated, result.total, result.snapshots) == (3, 0, 3, 3)
    post = TikTokPost.objects.get(tiktok_id="7500000000000000002")
    assert post.caption == "Caption 2 #tag"
    assert (post.hashtags, post.mentions) == (["tag"], ["someone"])
    assert post.cover
    assert post.cover.source_key == "cover-2"
    assert post.music_asset
    assert post.music_asset.source_key == "sound-2"
    assert post.video is None
    assert [(s.position, s.asset.source_key, s.height) for s in post.slides.all()] == [
        (n, f"slide-2-{n}", 1440) for n in range(3)
    ]
    assert CacheAsset.objects.filter(status=Status.PENDING).count() == 3 * 5
    assert post.reading
    assert post.reading.status == Status.BLOCKED
    assert post.reading.context == "Caption 2 #tag"
    assert post.reading.awaited == [slide.asset_id for slide in post.slides.all()]
    assert totals_of(profile) == sums_of(profile) == (3, 300, 30, 15, 9, 6)


def test_a_video_has_a_file_and_no_reading() -> None:
    profile = make_profile()
    store(profile, scraped_post(1, author=profile, slides=0, duration_ms=9000))
    post = TikTokPost.objects.get()
    assert (post.content_type, post.duration_ms, post.reading) == ("video", 9000, None)
    assert post.video
    assert post.video.kind == "video"


def test_doing_it_twice_changes_nothing() -> None:
    profile = make_profile()
    posts = [scraped_post(n, author=profile) for n in range(1, 6)]
    store(profile, *posts)
    counts = [m.objects.count() for m in (TikTokPost, Slide, CacheAsset, Reading, PostMetrics)]
    again = store(profile, *posts)
    assert (again.created, again.updated, again.snapshots) == (0, 5, 0)
    later = store(profile, *posts, hours=1)
    assert (later.created, later.snapshots) == (0, 0)
    assert counts == [
        m.objects.count() for m in (TikTokPost, Slide, CacheAsset, Reading, PostMetrics)
    ]
    assert totals_of(profile) == sums_of(profile) == (5, 500, 50, 25, 15, 10)


def test_a_snapshot_is_written_when_a_number_moves_and_the_series_ends_with_the_current_one() -> (
    None
):
    profile = make_profile()
    for hours, views in enumerate([100, 150, 150, 120, None, None, 130]):
        store(profile, scraped_post(1, author=profile, views=views), hours=hours)
    assert series(1) == [100, 150, 120, None, 130]
    fell = PostMetrics.objects.order_by("captured_at").values_list("decreased", flat=True)
    assert list(fell) == [False, False, True, False, False]
    assert TikTokPost.objects.get().view_count == 130
    assert totals_of(profile) == sums_of(profile)


def test_unknown_numbers_are_null_and_add_nothing() -> None:
    profile = make_profile()
    store(profile, scraped_post(1, author=profile, views=None), scraped_post(2, author=profile))
    assert TikTokPost.objects.get(tiktok_id__endswith="1").view_count is None
    assert totals_of(profile) == sums_of(profile) == (2, 100, 20, 10, 6, 4)


def test_numbers_beyond_32_bits_are_kept() -> None:
    profile = make_profile()
    store(profile, *(scraped_post(n, author=profile, views=5_300_000_000) for n in (1, 2)))
    assert totals_of(profile)[1] == 10_600_000_000


def test_a_run_leaves_one_snapshot_per_post_at_most() -> None:
    profile = make_profile()
    run = ProfileMonitoringLog.objects.create(profile=profile, trigger=Trigger.MANUAL)
    first = store(profile, scraped_post(1, author=profile, views=100), run=run)
    again = store(
        profile,
        scraped_post(1, author=profile, views=101),
        scraped_post(2, author=profile),
        run=run,
        hours=1,
    )
    assert (first.created, first.unseen) == (1, 1)
    assert (again.created, again.updated, again.unseen) == (1, 0, 1)
    assert series(1) == [100]
    assert TikTokPost.objects.get(tiktok_id__endswith="1").view_count == 100


def test_a_sighting_that_arrives_late_does_not_undo_a_newer_one() -> None:
    profile = make_profile()
    store(profile, scraped_post(1, author=profile, views=100), hours=0)
    store(profile, scraped_post(1, author=profile, views=300), hours=2)
    store(profile, scraped_post(1, author=profile, views=200), hours=1)
    assert series(1) == [100, 300]
    assert TikTokPost.objects.get().view_count == 300
    assert totals_of(profile) == sums_of(profile)


def test_a_shorter_answer_removes_no_slide() -> None:
    profile = make_profile()
    store(profile, scraped_post(1, author=profile, slides=4))
    store(profile, scraped_post(1, author=profile, slides=2), hours=1)
    store(profile, scraped_post(1, author=profile, slides=0, content_type="photo",
                                slides_known=False, video=None), hours=2)  # fmt: skip
    post = TikTokPost.objects.get()
    assert post.slides.count() == 4
    assert post.slides_known
    assert post.content_type == "photo"


def test_an_edited_slide_gets_its_new_picture() -> None:
    profile = make_profile()
    post = scraped_post(1, author=profile, slides=2)
    store(profile, post)
    edited = replace(post.slides[1], media=scraped_post(9, author=profile).slides[0].media)
    store(profile, replace(post, slides=(post.slides[0], edited)), hours=1)
    assert [s.asset.source_key for s in Slide.objects.all()] == ["slide-1-0", "slide-9-0"]


def test_slides_that_come_later_bring_the_reading() -> None:
    profile = make_profile()
    bare = scraped_post(1, author=profile, slides=0, slides_known=False)
    store(profile, bare)
    post = TikTokPost.objects.get()
    assert (post.content_type, post.slides_known, post.reading) == ("photo", False, None)
    store(profile, scraped_post(1, author=profile, slides=2), hours=1)
    post.refresh_from_db()
    assert post.slides_known
    assert post.reading
    assert post.reading.awaited == [slide.asset_id for slide in post.slides.all()]


def test_a_slide_without_a_link_leaves_the_slides_unknown() -> None:
    profile = make_profile()
    post = scraped_post(1, author=profile, slides=2)
    broken = replace(post.slides[0], media=replace(post.slides[0].media, urls=()))
    store(profile, replace(post, slides=(broken, post.slides[1])))
    stored = TikTokPost.objects.get()
    assert not stored.slides_known
    assert stored.reading is None
    assert stored.slides.count() == 1


def test_fresh_links_reach_what_is_not_stored_yet_and_nothing_else() -> None:
    profile = make_profile()
    store(profile, scraped_post(1, author=profile, slides=2))
    CacheAsset.objects.filter(source_key="slide-1-0").update(
        status=Status.COMPLETED, storage_key="x", sha256="y"
    )
    CacheAsset.objects.filter(source_key="slide-1-1").update(
        status=Status.BLOCKED, error_code="link_dead"
    )
    store(profile, scraped_post(1, author=profile, slides=2, signature="b"), hours=1)
    stored, dead = CacheAsset.objects.filter(kind="image").order_by("source_key")
    assert (stored.status, "signature=a" in stored.source_urls[0]) == (Status.COMPLETED, True)
    assert (dead.status, "signature=b" in dead.source_urls[0]) == (Status.PENDING, True)


def test_force_recache_fetches_everything_again() -> None:
    profile = make_profile()
    store(profile, scraped_post(1, author=profile, slides=2))
    CacheAsset.objects.update(status=Status.COMPLETED, storage_key="x", sha256="y")
    store(profile, scraped_post(1, author=profile, slides=2, signature="b"), hours=1)
    assert not CacheAsset.objects.filter(status=Status.PENDING).exists()
    again = scraped_post(1, author=profile, slides=2, signature="c")
    store(profile, again, hours=2, force_recache=True)
    assert CacheAsset.objects.filter(status=Status.PENDING).count() == 4


def test_media_of_a_persons_run_go_first() -> None:
    profile = make_profile()
    run = ProfileMonitoringLog.objects.create(
        profile=profile, trigger=Trigger.MANUAL, priority=Priority.PERSON
    )
    store(profile, scraped_post(1, author=profile), run=run)
    assert set(CacheAsset.objects.values_list("priority", flat=True)) == {Priority.PERSON}
    assert Reading.objects.get().priority == Priority.PERSON


def test_posts_of_another_account_are_left_out_and_counted() -> None:
    profile = make_profile()
    result = store(
        profile, scraped_post(1, author=profile), scraped_post(2, author="6699999999999999999")
    )
    assert (result.created, result.foreign, result.total) == (1, 1, 1)
    assert TikTokPost.objects.get().tiktok_id.endswith("1")


def test_a_post_that_was_filed_under_another_profile_moves_with_its_numbers() -> None:
    wrong, right = make_profile(1), make_profile(2)
    store(wrong, scraped_post(1, author=wrong), scraped_post(2, author=wrong, views=7))
    result = store(right, scraped_post(1, author=right, views=500), hours=1)
    assert (result.created, result.updated, result.total) == (0, 1, 1)
    assert TikTokPost.objects.get(tiktok_id__endswith="1").profile == right
    assert totals_of(wrong) == sums_of(wrong)
    assert totals_of(right) == sums_of(right)
    assert totals_of(wrong)[:2] == (1, 7)
    assert totals_of(right)[:2] == (1, 500)


def test_one_post_twice_on_a_page_counts_once() -> None:
    profile = make_profile()
    result = store(profile, scraped_post(1, author=profile), scraped_post(1, author=profile))
    assert (result.created, result.total, result.foreign) == (1, 1, 0)


def test_pinned_posts_are_not_news() -> None:
    profile = make_profile()
    result = store(
        profile, scraped_post(1, author=profile, is_pinned=True), scraped_post(2, author=profile)
    )
    assert (result.created, result.new, result.unseen) == (2, 1, 1)


def test_a_post_marked_deleted_is_missing_until_it_is_seen_again() -> None:
    profile = make_profile()
    store(profile, scraped_post(1, author=profile, is_deleted=True))
    assert TikTokPost.objects.get().missing_since == LATER
    store(profile, scraped_post(1, author=profile, is_deleted=True), hours=1)
    assert TikTokPost.objects.get().missing_since == LATER
    store(profile, scraped_post(1, author=profile), hours=2)
    assert TikTokPost.objects.get().missing_since is None


def test_tags_with_odd_characters_come_back_as_they_were() -> None:
    profile = make_profile()
    tags = ("a,b", '"quoted"', "{brace}", "back\\slash", "日本", "NULL")
    store(profile, scraped_post(1, author=profile, hashtags=tags, mentions=()))
    post = TikTokPost.objects.get()
    assert (tuple(post.hashtags), post.mentions) == (tags, [])


def test_an_empty_page_touches_nothing() -> None:
    profile = make_profile()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        result = store(profile)
    assert (len(queries), result.total) == (0, 0)


def test_a_profile_that_was_deleted_meanwhile_gets_no_posts() -> None:
    profile = make_profile()
    TikTokProfile.objects.all().delete()
    with pytest.raises(TikTokProfile.DoesNotExist), transaction.atomic():
        store(profile, scraped_post(1, author=profile))
    assert not CacheAsset.objects.exists()


def test_a_failing_page_leaves_nothing_behind() -> None:
    profile = make_profile()
    good = scraped_post(1, author=profile)
    bad = scraped_post(2, author=profile, duration_ms=2**40)
    with pytest.raises(Exception, match="integer"), transaction.atomic():
        store(profile, good, bad)
    assert not TikTokPost.objects.exists()
    assert not CacheAsset.objects.exists()
    assert totals_of(profile) == (0, 0, 0, 0, 0, 0)


def test_the_number_of_statements_does_not_depend_on_the_number_of_posts() -> None:
    profile = make_profile()
    counted = []
    for first, size in ((0, 1), (100, 30)):
        posts = [scraped_post(first + n, author=profile, slides=8) for n in range(size)]
        for hours in (0, 1):
            with CaptureQueriesContext(connection) as queries:
                store(profile, *posts, hours=hours)
            counted.append(len(queries))
    assert counted[0] == counted[2] <= 12
    assert counted[1] == counted[3] <= 8


def test_recomputing_totals_mends_what_others_did_to_the_posts() -> None:
    profile = make_profile()
    store(profile, *(scraped_post(n, author=profile) for n in range(3)))
    assert not recompute_totals(profile.pk)
    TikTokPost.objects.filter(tiktok_id__endswith="1").delete()
    assert recompute_totals(profile.pk)
    assert totals_of(profile) == sums_of(profile) == (2, 200, 20, 10, 6, 4)


@pytest.mark.django_db(transaction=True)
def test_pages_of_one_profile_and_of_others_at_once_leave_exact_totals() -> None:
    profiles = [make_profile(1), make_profile(2)]

    def work(worker: int) -> None:
        profile = profiles[worker % 2]
        for turn in range(8):
            first = (worker // 2 + turn) % 4 * 5
            posts = [
                scraped_post(
                    100_000 * (worker % 2) + first + n,
                    author=profile,
                    slides=1,
                    views=worker * 1000 + turn,
                    # one sound for all, in another order every time
                    music=scraped_post((n + turn) % 5, author=profile).music,
                )
                for n in range(10)
            ]
            with transaction.atomic():
                bulk_upsert(
                    profile, posts, captured_at=LATER + timedelta(minutes=turn * 7 + worker)
                )

    run_together(6, work)
    for profile in profiles:
        assert totals_of(profile) == sums_of(profile)
        assert totals_of(profile)[0] == 25
        for post in TikTokPost.objects.filter(profile=profile):
            last = PostMetrics.objects.filter(post=post).latest("captured_at")
            assert last.view_count == post.view_count


def run_together(threads: int, work: Callable[[int], None]) -> None:
    """Run ``work(n)`` in so many threads at once; the first error is raised here."""
    errors: list[BaseException] = []
    start = threading.Barrier(threads)

    def guarded(number: int) -> None:
        try:
            start.wait(10)
            work(number)
        except BaseException as exc:  # noqa: BLE001 - raised below, in the test's own thread
            errors.append(exc)
        finally:
            connection.close()

    running = [threading.Thread(target=guarded, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    if errors:
        raise errors[0]

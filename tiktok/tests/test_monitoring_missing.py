"""A miss is not a deletion: what it takes until something is called missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from carousel.lib.work import Status
from media_cache.models import CacheAsset
from tiktok.models import ApiCall, TikTokPost, TikTokProfile, Trigger
from tiktok.tests.conftest import WorkOff
from tiktok.tests.test_monitoring import run_of, watched

pytestmark = pytest.mark.django_db

SMALL = "creator.3"  # five posts on one page


@pytest.fixture
def profile(still: Any, work_off: WorkOff, settings: Any) -> TikTokProfile:
    """Five posts are known, and a time stands still in which none is added."""
    settings.MISSES_UNTIL_CHECKED = 2
    found = watched(still, SMALL)
    work_off(run_of(found))
    return found


def newest(profile: TikTokProfile) -> TikTokPost:
    """A post that is not pinned and has older ones beside it."""
    post = profile.posts.filter(is_pinned=False).order_by("-published_at").first()
    assert post
    return post


def test_a_deleted_post_is_missing_after_some_misses_and_one_check(
    still: Any, work_off: WorkOff, profile: TikTokProfile
) -> None:
    post = newest(profile)
    assert post.cover
    known = list(post.slides.values_list("position", "asset"))
    files = CacheAsset.objects.exclude(status=Status.FAILED).count()
    still.world.removed.add(post.tiktok_id)
    for misses in (1, 2):
        work_off(run_of(profile))
        post.refresh_from_db()
        assert (post.misses, post.missing_since is None) == (misses, misses < 2)
    checks = ApiCall.objects.filter(endpoint__endswith="/video")
    assert [check.http_status for check in checks] == [404]
    work_off(run_of(profile))
    assert checks.count() == 1
    # What we have of it stays, and so do its numbers and the files of the others.
    assert list(post.slides.values_list("position", "asset")) == known
    assert CacheAsset.objects.exclude(status=Status.FAILED).count() == files
    assert CacheAsset.objects.filter(pk=post.cover.pk).exists()
    assert post.metrics.count() == 1


def test_a_post_that_is_only_left_out_of_the_list_is_found_by_the_check(
    still: Any, work_off: WorkOff, profile: TikTokProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = newest(profile)
    creator = type(still.application.api)
    listed = creator._listed
    monkeypatch.setattr(
        creator,
        "_listed",
        lambda api, who, now: [p for p in listed(api, who, now) if p.id != post.tiktok_id],
    )
    for _ in range(2):
        work_off(run_of(profile))
    post.refresh_from_db()
    assert (post.misses, post.missing_since) == (0, None)
    assert ApiCall.objects.filter(endpoint__endswith="/video", http_status=200).count() == 1


def test_a_post_that_is_listed_again_is_not_missing_any_more(
    still: Any, work_off: WorkOff, profile: TikTokProfile
) -> None:
    post = newest(profile)
    still.world.removed.add(post.tiktok_id)
    for _ in range(2):
        work_off(run_of(profile))
    assert TikTokPost.objects.exclude(missing_since=None).get() == post
    still.world.removed.clear()
    work_off(run_of(profile))
    post.refresh_from_db()
    assert (post.misses, post.missing_since) == (0, None)


def test_one_sighting_ends_a_row_of_misses(
    still: Any, work_off: WorkOff, profile: TikTokProfile
) -> None:
    post = newest(profile)
    for _ in range(3):
        still.world.removed.add(post.tiktok_id)
        work_off(run_of(profile))
        still.world.removed.clear()
        work_off(run_of(profile))
    post.refresh_from_db()
    assert (post.misses, post.missing_since) == (0, None)
    assert not ApiCall.objects.filter(endpoint__endswith="/video").exists()


def test_posts_older_than_what_a_run_looked_at_are_not_missed(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox, "load.7")
    work_off(run_of(profile))
    profile.refresh_from_db()
    run = work_off(run_of(profile, Trigger.SCHEDULED))
    assert run.pages_scraped == 1
    assert not TikTokPost.objects.exclude(misses=0).exists()


def test_an_account_that_is_gone_is_missing_after_some_misses_and_a_look_at_its_handle(
    still: Any, work_off: WorkOff, profile: TikTokProfile
) -> None:
    still.world.removed.add(SMALL)
    for misses in (1, 2):
        run = work_off(run_of(profile))
        profile.refresh_from_db()
        assert (run.status, run.error_code) == (Status.FAILED, "not_found")
        assert (profile.misses, profile.missing_since is None) == (misses, misses < 2)
    asked = ApiCall.objects.filter(endpoint__endswith="/profile", http_status=404)
    assert ["handle" in call.params for call in asked.order_by("started_at")] == [
        False, False, True,
    ]  # fmt: skip
    assert profile.posts.filter(misses=0, missing_since=None).count() == 5
    assert CacheAsset.objects.exclude(status=Status.FAILED).exists()
    still.world.removed.clear()
    assert work_off(run_of(profile)).status == Status.COMPLETED
    profile.refresh_from_db()
    assert (profile.misses, profile.missing_since) == (0, None)


def test_a_live_post_that_answers_404_once_costs_a_try_and_nothing_else(
    still: Any, work_off: WorkOff
) -> None:
    """Its slides were left out of the list, so it is fetched by itself; the next run gets them."""
    handle = "fault.no_slides.b"
    profile = watched(still, handle)
    still.faults.add("/v2", "post_404_once")
    assert work_off(run_of(profile)).status == Status.COMPLETED
    photos = profile.posts.filter(content_type="photo")
    assert set(photos.values_list("slides_known", "lookups", "missing_since")) == {(False, 1, None)}
    work_off(run_of(profile))
    assert set(photos.values_list("slides_known", "missing_since")) == {(True, None)}


def test_posts_seen_beside_a_run_are_not_missed_by_it(
    still: Any, work_off: WorkOff, profile: TikTokProfile
) -> None:
    post = newest(profile)
    still.world.removed.add(post.tiktok_id)
    run = run_of(profile)
    TikTokPost.objects.filter(pk=post.pk).update(last_seen_at=Now() + timedelta(seconds=5))
    work_off(run)
    post.refresh_from_db()
    assert post.misses == 0

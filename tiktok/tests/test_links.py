"""Dead links: the post is fetched again, once for all its files, and hands down fresh ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from carousel.lib.work import Priority, Status
from media_cache.models import CacheAsset
from media_cache.signals import links_died
from ocr.models import Reading
from tiktok.models import ApiCall, LinkRefresh, ScraperGate, TikTokPost, TikTokProfile
from tiktok.services import add_profile, refresh_forgotten_links, refresh_links
from tiktok.services.links import PER_DAY
from tiktok.tests.conftest import WorkOff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_rate_limit")]

SMALL = "creator.3"


@pytest.fixture
def profile(sandbox: Any) -> TikTokProfile:
    return add_profile(SMALL).profile


@pytest.fixture
def post(profile: TikTokProfile) -> TikTokPost:
    found = profile.posts.filter(content_type="photo").order_by("-published_at").first()
    assert found
    return found


def kill(assets: Any) -> list[UUID]:
    """Their links have been refused."""
    assets.update(
        status=Status.BLOCKED, error_code="link_dead", source_urls=["https://dead.example/"]
    )
    return list(assets.values_list("pk", flat=True))


def slides_of(post: TikTokPost) -> Any:
    return CacheAsset.objects.filter(slides__post=post)


def video_calls() -> int:
    return ApiCall.objects.filter(endpoint__endswith="/video").count()


def test_one_call_brings_fresh_links_to_every_dead_file_of_a_post(
    sandbox: Any, work_off: WorkOff, post: TikTokPost
) -> None:
    dead = kill(slides_of(post))
    links_died.send(CacheAsset, asset_ids=dead)
    links_died.send(CacheAsset, asset_ids=dead)
    row = work_off(LinkRefresh.objects.get())
    assert (row.status, row.post, row.assets_refreshed) == (Status.COMPLETED, post, len(dead))
    assert video_calls() == 1
    assert ApiCall.objects.get(endpoint__endswith="/video").profile == post.profile
    fresh = CacheAsset.objects.filter(pk__in=dead)
    assert set(fresh.values_list("status", "attempts", "error_code")) == {(Status.PENDING, 0, "")}
    assert all(sandbox.url in asset.source_urls[0] for asset in fresh)


def test_a_sound_of_many_posts_costs_one_call(
    work_off: WorkOff, profile: TikTokProfile, post: TikTokPost
) -> None:
    assert post.cover
    profile.posts.update(music_asset=post.cover)
    assert refresh_links(kill(CacheAsset.objects.filter(pk=post.cover.pk))) == 1
    assert work_off(LinkRefresh.objects.get()).status == Status.COMPLETED
    assert video_calls() == 1


def test_a_dead_avatar_is_fetched_with_its_profile(
    work_off: WorkOff, profile: TikTokProfile
) -> None:
    assert profile.avatar
    refresh_links(kill(CacheAsset.objects.filter(pk=profile.avatar.pk)))
    row = work_off(LinkRefresh.objects.get())
    assert (row.status, row.profile, row.assets_refreshed) == (Status.COMPLETED, profile, 1)
    assert CacheAsset.objects.get(pk=profile.avatar.pk).status == Status.PENDING


def test_a_post_that_answers_404_twice_is_gone_and_so_are_its_files(
    sandbox: Any, work_off: WorkOff, post: TikTokPost
) -> None:
    sandbox.world.removed.add(post.tiktok_id)
    dead = kill(slides_of(post))
    refresh_links(dead)
    row = work_off(LinkRefresh.objects.get())
    assert (row.status, row.error_code, row.misses) == (Status.PENDING, "not_found", 1)
    assert CacheAsset.objects.filter(pk__in=dead, status=Status.BLOCKED).count() == len(dead)
    LinkRefresh.objects.update(run_after=Now())
    row = work_off(row)
    assert (row.status, row.assets_gone) == (Status.COMPLETED, len(dead))
    ended = CacheAsset.objects.filter(pk__in=dead)
    assert set(ended.values_list("status", "error_code")) == {(Status.FAILED, "source_gone")}
    post.refresh_from_db()
    assert post.missing_since
    assert Reading.objects.get(posts=post).status == Status.PENDING  # it waits for nothing more


def test_a_live_post_that_answers_404_once_gets_its_links(
    sandbox: Any, work_off: WorkOff, post: TikTokPost
) -> None:
    sandbox.faults.add("/v2", "post_404_once")
    refresh_links(kill(slides_of(post)))
    row = work_off(LinkRefresh.objects.get())
    LinkRefresh.objects.update(run_after=Now())
    assert work_off(row).assets_refreshed
    post.refresh_from_db()
    assert post.missing_since is None


def test_a_sound_whose_post_is_gone_is_looked_for_at_another_post(
    sandbox: Any, work_off: WorkOff, profile: TikTokProfile, post: TikTokPost
) -> None:
    assert post.cover
    shared = post.cover.pk
    other = profile.posts.exclude(pk=post.pk).order_by("pk").first()
    assert other
    TikTokPost.objects.filter(pk=other.pk).update(music_asset=shared)
    TikTokPost.objects.filter(pk=post.pk).update(last_seen_at=Now())
    sandbox.world.removed.add(post.tiktok_id)
    refresh_links(kill(CacheAsset.objects.filter(pk=shared)))
    first = LinkRefresh.objects.get()
    assert first.post == post
    work_off(first)
    LinkRefresh.objects.update(run_after=Now())
    work_off(first)
    second = LinkRefresh.objects.exclude(pk=first.pk).get()
    assert second.post == other
    assert second.status == Status.PENDING


def test_a_file_that_the_post_no_longer_names_ends_as_gone(
    work_off: WorkOff, post: TikTokPost
) -> None:
    slide = post.slides.first()
    assert slide
    old = CacheAsset.objects.create(kind="image", source_key="replaced")
    slide.asset = old
    slide.save()
    refresh_links(kill(CacheAsset.objects.filter(pk=old.pk)))
    row = work_off(LinkRefresh.objects.get())
    assert (row.assets_refreshed, row.assets_gone) == (0, 1)
    old.refresh_from_db()
    assert (old.status, old.error_code) == (Status.FAILED, "source_gone")


def test_a_file_that_nothing_shows_ends_without_a_call(profile: TikTokProfile) -> None:
    orphan = CacheAsset.objects.create(kind="image", source_key="orphan")
    assert refresh_links(kill(CacheAsset.objects.filter(pk=orphan.pk))) == 0
    orphan.refresh_from_db()
    assert (orphan.status, orphan.error_code) == (Status.FAILED, "source_gone")


def test_links_that_are_refused_again_and_again_stop_costing_credits(
    work_off: WorkOff, post: TikTokPost
) -> None:
    for _ in range(PER_DAY):
        assert refresh_links(kill(slides_of(post))) == 1
        work_off(LinkRefresh.objects.get(status=Status.PENDING))
    assert refresh_links(kill(slides_of(post))) == 0
    assert video_calls() == PER_DAY
    ended = set(slides_of(post).values_list("status", "error_code"))
    assert ended == {(Status.FAILED, "link_dead")}


def test_a_refusal_for_good_ends_the_files_with_its_reason(
    sandbox: Any, work_off: WorkOff, post: TikTokPost
) -> None:
    sandbox.faults.add("/v2", "http_403")
    refresh_links(kill(slides_of(post)))
    row = work_off(LinkRefresh.objects.get())
    assert (row.status, row.error_code) == (Status.FAILED, "forbidden")
    asset = slides_of(post).first()
    assert (asset.status, asset.error_code) == (Status.FAILED, "link_dead")
    assert "age restricted" in asset.error


def test_while_there_are_no_credits_files_wait(
    sandbox: Any, work_off: WorkOff, post: TikTokPost
) -> None:
    sandbox.account.set_balance(0)
    dead = kill(slides_of(post))
    refresh_links(dead)
    row = work_off(LinkRefresh.objects.get())
    assert (row.status, row.error_code, row.attempts) == (Status.PENDING, "out_of_credits", 0)
    assert CacheAsset.objects.filter(pk__in=dead, status=Status.BLOCKED).count() == len(dead)
    assert ScraperGate.objects.get().closed_code == "out_of_credits"


def test_what_may_pass_is_tried_again_later(
    sandbox: Any, work_off: WorkOff, post: TikTokPost
) -> None:
    sandbox.faults.add("/v2", "http_503", times=1)
    refresh_links(kill(slides_of(post)))
    row = work_off(LinkRefresh.objects.get())
    assert (row.status, row.error_code, row.attempts) == (
        Status.PENDING, "upstream_unavailable", 1,
    )  # fmt: skip


def test_a_lost_call_for_links_is_found_again(post: TikTokPost) -> None:
    kill(slides_of(post))
    assert refresh_forgotten_links() == 1
    assert refresh_forgotten_links() == 0
    assert LinkRefresh.objects.get().post == post


def test_assets_that_do_not_wait_are_left_alone(post: TikTokPost) -> None:
    assert refresh_links(list(slides_of(post).values_list("pk", flat=True))) == 0
    assert not LinkRefresh.objects.exists()


def test_what_a_person_waits_for_goes_first(post: TikTokPost) -> None:
    slides_of(post).update(priority=Priority.PERSON)
    refresh_links(kill(slides_of(post)))
    assert LinkRefresh.objects.get().priority == Priority.PERSON


def test_a_post_deleted_meanwhile_ends_its_refresh(work_off: WorkOff, post: TikTokPost) -> None:
    dead = kill(slides_of(post))
    refresh_links(dead)
    row = LinkRefresh.objects.get()
    taken = LinkRefresh.objects.claim(1, [row.pk])
    post.delete()
    from tiktok.services import refresh

    refresh(taken)
    assert video_calls() == 0
    assert refresh_forgotten_links() == 0
    ended = CacheAsset.objects.filter(pk__in=dead)
    assert set(ended.values_list("error_code", flat=True)) == {"source_gone"}

"""Files and readings named by the post or profile that they belong to."""

from __future__ import annotations

from typing import Any

import pytest

from carousel.lib.selection import choose
from carousel.lib.work import Status
from carousel.tests.commands import run_command
from media_cache.models import CacheAsset
from ocr.models import Reading
from tiktok.models import TikTokPost
from tiktok.scraper.handles import post_url
from tiktok.services import add_profile

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_rate_limit")]

SMALL = "creator.3"


@pytest.fixture
def posts(sandbox: Any) -> list[TikTokPost]:
    """The posts of a small profile, photo posts first."""
    add_profile(SMALL)
    return list(TikTokPost.objects.order_by("content_type", "pk"))


@pytest.mark.django_db(transaction=True)
def test_a_post_is_stored_and_read_here_as_the_sandbox_drew_it(
    sandbox: Any, posts: list[TikTokPost]
) -> None:
    post = posts[0]
    address = post_url(SMALL, "photo", post.tiktok_id)
    stored = run_command("cache_media", "--post", address, "--kind", "image", "--now", "--json")
    assert stored.failure == ""
    slides = post.slides.count()
    assert stored.document["worked"]["stored"] == slides
    assert CacheAsset.objects.filter(status=Status.COMPLETED).count() == slides
    read = run_command("run_ocr", "--post", post.tiktok_id, "--now", "--json")
    assert read.failure == ""
    assert read.document["readings"]["total"]["slidesRead"] == slides
    assert Reading.objects.filter(status=Status.COMPLETED).count() == 1
    drawn = next(each for each in sandbox.truth(SMALL)["posts"] if each["id"] == post.tiktok_id)
    post.refresh_from_db()
    assert post.reading
    texts = " ".join(slide.text or "" for slide in post.reading.slides.all())
    assert any(word in texts for word in drawn["slides"][0]["text"].split())


def test_posts_are_named_by_any_id_and_profiles_by_handle(posts: list[TikTokPost]) -> None:
    post = posts[0]
    assert choose(Reading, {"post": [str(post.pk), post.tiktok_id]}) == [post.reading_id]
    photos = [each.reading_id for each in posts if each.reading_id]
    assert set(choose(Reading, {"profile": [f"@{SMALL}"]}) or []) == set(photos)
    assert choose(Reading, {}) is None
    assets = choose(CacheAsset, {"post": [post.tiktok_id]}) or []
    assert set(post.slides.values_list("asset_id", flat=True)) < set(assets)


def test_a_photo_post_that_lost_its_reading_gets_one(posts: list[TikTokPost]) -> None:
    Reading.objects.filter(posts=posts[0]).delete()
    answered = run_command("run_ocr", "--post", posts[0].tiktok_id, "--json")
    assert (answered.failure, answered.document["chosen"]) == ("", 1)
    posts[0].refresh_from_db()
    assert posts[0].reading_id


def test_what_is_not_there_is_told(posts: list[TikTokPost]) -> None:
    TikTokPost.objects.filter(pk=posts[0].pk).update(content_type="video", reading=None)
    for args, words in [
        (["run_ocr", "--post", "123"], "There is no post 123 here."),
        (["run_ocr", "--post", "x"], "'x' is not the full address of a post."),
        (["run_ocr", "--post", posts[0].tiktok_id], "is a video; only photo posts are read."),
        (["run_ocr", "--profile", "nobody"], "@nobody is not among the profiles"),
        (["cache_media", "--post", "123"], "There is no post 123 here."),
    ]:
        assert words in run_command(*args).failure

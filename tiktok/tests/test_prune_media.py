"""``manage.py prune_media`` lets go of old copies, and of nothing else."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.services import urls_for
from media_cache.storage import media_storage, scratch_folder
from ocr.models import Reading, SlideReading
from ocr.services.request import name_slides
from tiktok.bulk_upsert import bulk_upsert
from tiktok.models import PostMetrics, TikTokPost, TikTokProfile
from tiktok.tests.factories import NOON, make_profile, scraped_media, scraped_post

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def profile() -> TikTokProfile:
    """Two photo posts, two slides each, everything stored 40 days ago, each with 10 bytes."""
    profile = make_profile(1)
    avatar = CacheAsset.objects.create(kind="avatar", source_key="face")
    TikTokProfile.objects.filter(pk=profile.pk).update(avatar=avatar)
    bulk_upsert(profile, [scraped_post(n, author=profile) for n in (1, 2)], captured_at=NOON)
    for asset in CacheAsset.objects.all():
        put(asset, asset.source_key)
    CacheAsset.objects.update(stored_at=datetime.now(UTC) - 40 * DAY)
    return profile


def put(asset: CacheAsset, text: str) -> None:
    content = f"{text:10}"[:10].encode()
    asset.sha256 = hashlib.sha256(content).hexdigest()
    asset.storage_key = f"{asset.sha256[:2]}/{asset.sha256}.jpg"
    asset.status, asset.byte_size = Status.COMPLETED, len(content)
    asset.stored_at, asset.width = datetime.now(UTC), 1080
    path = scratch_folder() / "a-file"
    path.write_bytes(content)
    media_storage().put(asset.storage_key, path, "image/jpeg", asset.sha256)
    asset.save()


def prune(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("prune_media", "--json", *arguments, stdout=out, stderr=io.StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def stored() -> set[str]:
    rows = CacheAsset.objects.exclude(storage_key="")
    return set(rows.values_list("source_key", flat=True))


def test_a_dry_run_tells_and_touches_nothing(profile: TikTokProfile) -> None:
    before = stored()
    found = prune("--older-than", "30")
    assert found == {
        "files": 8,
        "byKind": {"audio": 2, "cover": 2, "image": 4},
        "objects": 8,
        "bytes": 80,
        "applied": False,
        "pruned": 0,
        "objectsDeleted": 0,
    }
    assert stored() == before
    assert prune("--older-than", "41")["files"] == 0
    assert prune("--older-than", "30", "--kind", "cover", "--kind", "audio")["files"] == 4


def test_old_copies_go_and_everything_that_is_known_stays(profile: TikTokProfile) -> None:
    name_slides(Reading.objects.all())
    SlideReading.objects.update(text="words on a slide")
    keys = set(CacheAsset.objects.exclude(kind="avatar").values_list("storage_key", flat=True))
    done = prune("--older-than", "30", "--apply")
    assert (done["pruned"], done["objectsDeleted"]) == (8, 8)
    assert stored() == {"face"}
    assert [media_storage().stat(key) for key in keys] == [None] * 8
    asset = CacheAsset.objects.get(source_key="slide-1-0")
    assert (asset.status, asset.error_code) == (Status.COMPLETED, "pruned")
    assert (asset.byte_size, asset.width, len(asset.sha256)) == (10, 1080, 64)
    link = urls_for([asset])[asset.pk]
    assert (link.url, link.is_fallback) == (None, False)
    assert PostMetrics.objects.count() == 2
    assert TikTokPost.objects.filter(view_count=100).count() == 2
    assert SlideReading.objects.filter(text="words on a slide").count() == 4


def test_young_copies_and_copies_of_marked_posts_stay(profile: TikTokProfile) -> None:
    CacheAsset.objects.filter(source_key="cover-2").update(stored_at=datetime.now(UTC))
    TikTokPost.objects.filter(tiktok_id__endswith="1").update(keep_media=True)
    prune("--older-than", "30", "--apply")
    marked = {"slide-1-0", "slide-1-1", "cover-1", "sound-1"}
    assert stored() == {"face", "cover-2", *marked}
    prune("--older-than", "30", "--apply", "--no-keep-marked")
    assert stored() == {"face", "cover-2"}


def test_a_file_of_a_marked_post_stays_where_others_show_it_too(profile: TikTokProfile) -> None:
    first, second = TikTokPost.objects.order_by("tiktok_id")
    TikTokPost.objects.filter(pk=second.pk).update(keep_media=True, cover=first.cover)
    prune("--older-than", "30", "--apply")
    assert "cover-1" in stored()


def test_bytes_that_something_else_needs_are_not_counted_and_not_deleted(
    profile: TikTokProfile,
) -> None:
    twin = CacheAsset.objects.create(kind="image", source_key="young twin of slide-1-0")
    put(twin, "slide-1-0")
    found = prune("--older-than", "30", "--apply")
    assert (found["files"], found["objects"], found["bytes"]) == (8, 7, 70)
    assert (found["pruned"], found["objectsDeleted"]) == (8, 7)
    assert media_storage().stat(twin.storage_key) is not None


def test_avatars_that_are_shown_go_only_if_asked_for(profile: TikTokProfile) -> None:
    old = CacheAsset.objects.create(kind="avatar", source_key="former face")
    put(old, "former")
    CacheAsset.objects.update(stored_at=datetime.now(UTC) - 40 * DAY)
    prune("--older-than", "30", "--apply")
    assert stored() == {"face"}
    prune("--older-than", "30", "--apply", "--kind", "avatar")
    assert stored() == set()


def test_monitoring_does_not_fetch_them_again_unless_forced(profile: TikTokProfile) -> None:
    prune("--older-than", "30", "--apply")
    posts = [scraped_post(n, author=profile, signature="b") for n in (1, 2)]
    bulk_upsert(profile, posts, captured_at=NOON + DAY)
    assert not CacheAsset.objects.filter(status=Status.PENDING).exists()
    bulk_upsert(profile, posts, captured_at=NOON + 2 * DAY, force_recache=True)
    again = CacheAsset.objects.filter(status=Status.PENDING)
    assert again.count() == 8
    assert not again.filter(error_code="pruned").exists()


def test_an_age_below_zero_is_refused() -> None:
    with pytest.raises(CommandError, match="0 or more"):
        prune("--older-than", "-1")


def test_a_file_that_is_being_fetched_again_is_left_alone(profile: TikTokProfile) -> None:
    cover = scraped_media("cover", "cover-1")
    CacheAsset.objects.filter(source_key=cover.source_key).update(status=Status.RUNNING)
    prune("--older-than", "30", "--apply")
    assert "cover-1" in stored()

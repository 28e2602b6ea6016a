"""Posts and profiles as ZIP files with a manifest."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from carousel.tests.asking import problem
from carousel.tests.commands import run_command
from media_cache.models import CacheAsset
from tiktok.models import PostMetrics, TikTokPost
from tiktok.tests.api.world import START, make_asset, make_post, make_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def storage(settings: Any, tmp_path: Any) -> Any:
    """A storage of this test's own."""
    options = {"location": tmp_path, "base_url": "/media/", "link_seconds": 3600}
    backend = {"BACKEND": "media_cache.storage.LocalMedia", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "media": backend}
    return storages["media"]


def store(storage: Any, asset: CacheAsset, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    key = storage.save(f"{digest[:2]}/{digest}.jpg", ContentFile(content))
    CacheAsset.objects.filter(pk=asset.pk).update(sha256=digest, storage_key=key)
    return digest


def store_all(storage: Any, post: TikTokPost) -> None:
    for slide in post.slides.all():
        store(storage, slide.asset, f"picture {slide.asset_id}".encode())


def opened(answer: Any) -> tuple[zipfile.ZipFile, Any]:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/zip"
    found = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert found.testzip() is None
    return found, json.loads(found.read("manifest.json"))


def test_a_post_comes_with_its_files_texts_and_numbers(api: APIClient, storage: Any) -> None:
    post = make_post(texts=["Hook", None], cover=None, music_asset=None, caption="All of it")
    store_all(storage, post)
    PostMetrics.objects.create(post=post, captured_at=START, view_count=7)
    answer = api.get(f"/api/tiktok/posts/{post.pk}/archive")
    assert answer["Content-Disposition"] == f'attachment; filename="{post.tiktok_id}.zip"'
    found, manifest = opened(answer)
    (entry,) = manifest["posts"]
    assert (manifest["profile"], entry["description"]) == (None, "All of it")
    assert [slide["text"] for slide in entry["slides"]] == ["Hook", None]
    assert entry["metrics"][0] == {
        "capturedAt": "2026-01-01T00:00:00Z", "viewCount": 7, "likeCount": None,
        "commentCount": None, "shareCount": None, "saveCount": None,
    }  # fmt: skip
    for slide in entry["slides"]:
        content = found.read(slide["file"]["name"])
        assert hashlib.sha256(content).hexdigest() == slide["file"]["sha256"]
    names = [f"{post.tiktok_id}/slide-{number:02}.jpg" for number in (1, 2)]
    assert found.namelist() == [*names, "manifest.json"]


def test_what_is_not_there_is_told_and_stops_nothing(api: APIClient, storage: Any) -> None:
    post = make_post(texts=["here", "lost", "changed"], music_asset=None)
    here, lost, changed = [slide.asset for slide in post.slides.order_by("position")]
    digest = store(storage, here, b"bytes")
    store(storage, changed, b"others")
    CacheAsset.objects.filter(pk=changed.pk).update(sha256=digest)
    TikTokPost.objects.filter(pk=post.pk).update(cover=make_asset("cover", stored=False))
    found, manifest = opened(api.get(f"/api/tiktok/posts/{post.pk}/archive"))
    entry = manifest["posts"][0]
    files = [slide["file"] for slide in entry["slides"]]
    assert [file.get("trouble", "")[:20] for file in files] == [
        "", "The copy is not in t", "The copy has changed",
    ]  # fmt: skip
    assert [bool(file["name"]) for file in files] == [True, False, True]
    assert entry["files"][0]["trouble"] == "No copy has been stored yet."
    assert len(found.namelist()) == 3
    assert lost.pk


def test_a_profile_comes_with_all_its_posts(api: APIClient, storage: Any) -> None:
    avatar = make_asset("avatar")
    store(storage, avatar, b"face")
    profile = make_profile("some.one", avatar=avatar)
    posts = [make_post(profile, texts=["a"], cover=None, music_asset=None) for _ in range(3)]
    for post in posts:
        store_all(storage, post)
    make_post()
    with CaptureQueriesContext(connection) as few:
        found, manifest = opened(api.get(f"/api/tiktok/profiles/{profile.pk}/archive"))
    assert manifest["profile"]["handle"] == "some.one"
    assert found.read(manifest["profile"]["files"][0]["name"]) == b"face"
    assert [entry["id"] for entry in manifest["posts"]] == [str(post.pk) for post in posts[::-1]]
    for _ in range(10):
        make_post(profile, texts=["b"])
    with CaptureQueriesContext(connection) as many:
        opened(api.get(f"/api/tiktok/profiles/{profile.pk}/archive"))
    assert len(many) == len(few)


def test_the_command_writes_the_same(storage: Any, tmp_path: Any) -> None:
    post = make_post(texts=["a"], cover=None, music_asset=None)
    store_all(storage, post)
    file = tmp_path / "out.zip"
    answer = run_command("export", "archive", "post", post.tiktok_id, "-o", str(file))
    assert not answer.failure
    assert len(zipfile.ZipFile(file).namelist()) == 2
    answer = run_command("export", "archive", "profile", "nobody.here", "-o", str(file))
    assert "not among the profiles" in answer.failure


def test_what_is_unknown_is_404(api: APIClient) -> None:
    problem(api.get("/api/tiktok/posts/x/archive"), 404, "not_found")
    problem(api.get("/api/tiktok/profiles/x/archive"), 404, "not_found")

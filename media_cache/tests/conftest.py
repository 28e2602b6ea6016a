"""Fixtures of the media cache's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carousel.tests import seaweed
from media_cache.signals import assets_settled, links_died
from media_cache.storage import MediaStorage, media_storage
from media_cache.tests.origin import Origin


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """This app alone: the apps above would look for the owners of these files."""
    for signal in (assets_settled, links_died):
        monkeypatch.setattr(signal, "receivers", [])
        signal.sender_receivers_cache.clear()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


@pytest.fixture(params=["files", "s3"])
def either_storage(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> MediaStorage:
    """Files in a folder of this test, and then again a bucket, empty at first."""
    if request.param == "s3":
        bucket = request.getfixturevalue("s3")
        client = seaweed.client(bucket)
        for found in client.list_objects_v2(Bucket="media").get("Contents", ()):
            client.delete_object(Bucket="media", Key=found["Key"])
    else:
        options = {**settings.STORAGES["media"]["OPTIONS"], "location": tmp_path}
        local = {**settings.STORAGES["media"], "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "media": local}
        settings.MEDIA_ROOT = tmp_path
    return media_storage()

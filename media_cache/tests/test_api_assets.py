"""Assets over the API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from carousel.tests.asking import client_for
from carousel.tests.contract import ASSET, keeps
from media_cache.models import CacheAsset

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    return client_for("someone")


def asset(**fields: Any) -> CacheAsset:
    row: CacheAsset = CacheAsset.objects.create(
        kind="image", source_key="a", source_urls=["https://p16.tiktokcdn.com/a?x=1"], **fields
    )
    return row


def test_an_asset_that_waits_is_linked_at_its_source(api: APIClient) -> None:
    body = api.get(f"/api/media/assets/{asset().pk}").json()
    keeps(body, ASSET)
    assert (body["url"], body["isFallback"]) == ("https://p16.tiktokcdn.com/a?x=1", True)
    assert (body["byteSize"], body["width"], body["sha256"]) == (None, None, "")


def test_a_stored_asset_is_linked_at_our_copy_with_two_queries(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    row = asset(status="completed", storage_key="ab/abc.jpg", content_type="image/jpeg")
    with django_assert_num_queries(2):  # token and user, asset
        body = api.get(f"/api/media/assets/{row.pk}").json()
    assert body["url"].startswith("http://testserver/media/ab/abc.jpg?")
    assert body["isFallback"] is False
    keeps(body, ASSET)
    assert body["urlExpiresAt"].endswith("Z")


def test_an_asset_whose_links_are_dead_has_none(api: APIClient) -> None:
    row = asset(status="blocked", error_code="link_dead", error="403")
    body = api.get(f"/api/media/assets/{row.pk}").json()
    assert (body["url"], body["errorCode"]) == (None, "link_dead")
    keeps(body, ASSET)


def test_an_asset_that_is_not_there_is_404(api: APIClient) -> None:
    assert api.get(f"/api/media/assets/{uuid.uuid4()}").status_code == 404

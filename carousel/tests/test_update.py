"""The plain UPDATE does what Django's does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now, Upper

from carousel.lib.update import update
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from tiktok.models import TikTokPost, TikTokProfile

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def asset(number: int = 1) -> CacheAsset:
    row = CacheAsset(kind="image", source_key=f"key-{number}", attempts=3)
    row.save()
    return row


def test_values_of_every_kind_arrive() -> None:
    row, other = asset(1), asset(2)
    fields = {
        "status": Status.COMPLETED,
        "source_urls": ["https://a.example/?x=%2F", 'quote"and\\slash'],
        "byte_size": 2**40,
        "width": None,
        "error": "50 % of 'this' is %s",
        "expires_at": NOON,
    }
    assert update(CacheAsset, {"id": row.pk}, fields) == 1
    row.refresh_from_db()
    assert {name: getattr(row, name) for name in fields} == fields
    other.refresh_from_db()
    assert other.status == Status.PENDING


def test_expressions_are_computed_by_the_database() -> None:
    row = asset()
    later = {"attempts": F("attempts") - 1, "error": Upper("source_key"), "stored_at": Now()}
    assert (
        update(CacheAsset, {"id": row.pk}, later | {"run_after": Now() + timedelta(hours=1)}) == 1
    )
    row.refresh_from_db()
    assert (row.attempts, row.error) == (2, "KEY-1")
    assert row.stored_at is not None
    assert timedelta(minutes=59) < row.run_after - row.stored_at < timedelta(minutes=61)


def test_every_condition_has_to_hold() -> None:
    row = asset()
    for where in ({"status": Status.RUNNING}, {"run_after": NOON}, {"source_key": "key-2"}):
        assert update(CacheAsset, {"id": row.pk} | where, {"error": "x"}) == 0
    row.refresh_from_db()
    assert row.error == ""


def test_a_row_may_be_given_for_its_key() -> None:
    profile = TikTokProfile.objects.create(tiktok_user_id="1", handle="a")
    post = TikTokPost.objects.create(
        tiktok_id="2", profile=profile, content_type="photo", published_at=NOON
    )
    cover = asset()
    assert update(TikTokPost, {"id": post.pk}, {"cover": cover}) == 1
    post.refresh_from_db()
    assert post.cover_id == cover.pk
    assert update(TikTokPost, {"id": post.pk}, {"cover_id": None}) == 1
    post.refresh_from_db()
    assert post.cover_id is None

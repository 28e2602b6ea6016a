"""Files in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from media_cache.models import CacheAsset

pytestmark = pytest.mark.django_db
LIST = "/admin/media_cache/cacheasset/"
SIGNED = "https://p16.tiktokcdn.com/a.heic?x-expires=1&x-signature=c2lnbmF0dXJl"


def make(key: str, **fields: Any) -> CacheAsset:
    known: dict[str, Any] = {"kind": "image", "source_key": key, "source_urls": [SIGNED]}
    row: CacheAsset = CacheAsset.objects.create(**{**known, **fields})
    return row


def stored(key: str, **fields: Any) -> CacheAsset:
    known: dict[str, Any] = {"status": "completed", "storage_key": f"ab/{key}.jpg"}
    known |= {"content_type": "image/jpeg", "original_content_type": "image/heic"}
    return make(key, **{**known, "byte_size": 2048, "width": 1080, "height": 1440, **fields})


def shown(client: Client, query: str = "") -> set[str]:
    answer = client.get(LIST + query)
    return {row.source_key for row in answer.context["cl"].result_list}


def test_assets_are_found_by_state_kind_reason_and_key(admin_client: Client) -> None:
    asset = stored("a", sha256="f" * 64)
    make("b", status="failed", error_code="not_media", error="Expected image, got text.")
    make("c", status="failed", error_code="gone", kind="cover")
    make("ca", status="blocked", error_code="link_dead")
    assert shown(admin_client) == {"a", "b", "c", "ca"}
    assert shown(admin_client, "?status__exact=failed") == {"b", "c"}
    assert shown(admin_client, "?error_code=gone") == {"c"}
    assert shown(admin_client, "?error_code=link_dead") == {"ca"}
    assert shown(admin_client, "?kind__exact=cover") == {"c"}
    assert shown(admin_client, f"?q={asset.pk}") == {"a"}
    assert shown(admin_client, "?q=" + "f" * 64) == {"a"}
    assert shown(admin_client, "?q=c") == {"c", "ca"}
    page = admin_client.get(LIST).content.decode()
    assert "?error_code=not_media" in page
    assert "image/jpeg from image/heic" in page


def test_the_list_costs_the_same_for_one_row_and_for_many(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    stored("first")
    admin_client.get(LIST)
    for rows in (0, 30):
        for n in range(rows):
            stored(f"key-{n}")
        with django_assert_num_queries(5):  # session, user, codes to filter by, count, rows
            admin_client.get(LIST)


def test_pages_show_our_copy_and_never_the_source_link(admin_client: Client) -> None:
    asset, waiting = stored("a"), make("b")
    for address in (LIST, f"{LIST}{asset.pk}/change/", f"{LIST}{waiting.pk}/change/"):
        page = admin_client.get(address).content.decode()
        assert "x-signature" not in page
        assert 'src="https://p16' not in page
    page = admin_client.get(f"{LIST}{asset.pk}/change/").content.decode()
    assert '<img src="/media/ab/a.jpg?expires=' in page
    assert "p16.tiktokcdn.com" in page


def test_nobody_edits_adds_or_deletes_a_row(admin_client: Client) -> None:
    asset = make("a", status="failed", error_code="gone")
    page = admin_client.get(f"{LIST}{asset.pk}/change/").content.decode()
    assert 'name="_save"' not in page
    assert 'name="status"' not in page
    answer = admin_client.post(f"{LIST}{asset.pk}/change/", {"status": "completed"})
    assert answer.status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{asset.pk}/delete/", {"post": "yes"}).status_code == 403
    asset.refresh_from_db()
    assert asset.status == "failed"


def test_failed_rows_are_retried_singly_selected_and_by_reason(admin_client: Client) -> None:
    rows = [make(f"gone-{n}", status="failed", error_code="gone", attempts=5) for n in range(4)]
    other = make("other", status="failed", error_code="not_media")
    done = stored("done")

    admin_client.post(f"{LIST}{rows[0].pk}/do/retry/", follow=True)
    assert waiting() == {"gone-0"}
    chosen = {"action": "retry_selected", "_selected_action": [str(rows[1].pk), str(done.pk)]}
    answer = admin_client.post(LIST, chosen, follow=True)
    assert "1 of 1 failed rows queued" in str(next(iter(answer.context["messages"])))
    assert waiting() == {"gone-0", "gone-1"}

    page = admin_client.get(f"{LIST}?error_code=gone").content.decode()
    assert "Retry all that failed with gone" in page
    admin_client.post(f"{LIST}retry-failed/", {"error_code": "gone"})
    assert waiting() == {"gone-0", "gone-1", "gone-2", "gone-3"}
    rows[0].refresh_from_db()
    other.refresh_from_db()
    done.refresh_from_db()
    assert (rows[0].attempts, rows[0].error_code) == (0, "")
    assert (other.status, done.status) == ("failed", "completed")

    admin_client.post(f"{LIST}{done.pk}/do/fetch_again/")
    assert "done" in waiting()


def waiting() -> set[str]:
    return set(CacheAsset.objects.filter(status="pending").values_list("source_key", flat=True))

"""What the admins share: pages of uncounted tables, buttons, charts, the front page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.admin import AllValuesFieldListFilter, RelatedFieldListFilter, site
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from carousel.lib.admin import CappedPaginator, compact, line_chart, short, when
from carousel.lib.admin.paging import EXACT_UP_TO
from media_cache.models import CacheAsset
from tiktok.models import ApiCall, ProfileMonitoringLog, ScraperGate
from tiktok.tests.api.world import START, make_asset, make_profile

pytestmark = pytest.mark.django_db

MANY = 50_000
INSERT_MANY = """
INSERT INTO media_cache_cacheasset (id, status, priority, attempts, error, error_code, kind,
    source_key, source_urls, sha256, storage_key, content_type, original_content_type)
SELECT gen_random_uuid(), 'completed', 10, 1, '', '', 'image', 'k' || n, '{}', '', '', '', ''
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def many_assets(transactional_db: None) -> None:
    """Truncated afterwards: what ANALYZE found outlives the transaction, even one rolled back."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MANY, [MANY])
        cursor.execute("ANALYZE media_cache_cacheasset")


def counts_in(queries: list[dict[str, str]]) -> list[str]:
    return [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


def test_a_large_table_is_estimated_and_never_counted(
    many_assets: None, admin_client: Client
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = admin_client.get("/admin/media_cache/cacheasset/")
    found = answer.context["cl"].result_count
    assert abs(found - MANY) < MANY / 10
    assert all(f"LIMIT {EXACT_UP_TO}" in sql for sql in counts_in(captured.captured_queries))
    far = admin_client.get("/admin/media_cache/cacheasset/?p=900")
    assert far.status_code == 200
    assert len(far.context["cl"].result_list) == 50


def test_few_rows_are_counted_exactly(many_assets: None) -> None:
    rows = CacheAsset.objects.filter(source_key__startswith="k4999").order_by("pk")
    assert CappedPaginator(rows, 50).count == 11
    assert CappedPaginator(CacheAsset.objects.none(), 50).count == 0


def test_an_estimate_is_never_below_what_was_counted(many_assets: None) -> None:
    rows = CacheAsset.objects.filter(source_key__contains="9", status="completed")
    assert CappedPaginator(rows.order_by("pk"), 50).count >= EXACT_UP_TO


OURS = [
    model_admin
    for model, model_admin in site._registry.items()
    if model._meta.app_label in ("media_cache", "ocr", "tiktok")
]
EVERY = {AllValuesFieldListFilter, RelatedFieldListFilter}


@pytest.mark.parametrize("model_admin", OURS, ids=lambda model_admin: model_admin.opts.label)
def test_no_list_counts_or_offers_everything(model_admin: Any, admin_client: Client) -> None:
    assert model_admin.show_full_result_count is False
    assert model_admin.paginator is CappedPaginator
    assert model_admin.date_hierarchy is None
    assert model_admin.show_facets.name == "NEVER"
    meta = model_admin.opts
    address = f"/admin/{meta.app_label}/{meta.model_name}/"
    for query in ("", "?q=some+words", "?q=754000000000000001", "?q=%2D", "?p=7"):
        answer = admin_client.get(address + query, follow=True)
        assert answer.status_code == 200, address + query
        if "cl" in answer.context:
            assert not EVERY & {type(spec) for spec in answer.context["cl"].filter_specs}


def test_a_button_needs_a_post_the_right_and_its_moment(admin_client: Client) -> None:
    failed = make_asset(stored=False, status="failed", error_code="not_media")
    address = f"/admin/media_cache/cacheasset/{failed.pk}/do/retry/"
    assert admin_client.get(address).status_code == 405
    assert admin_client.post(address.replace("retry", "explode")).status_code == 404
    assert admin_client.post(address.replace(str(failed.pk), "nobody")).status_code == 404

    viewer = get_user_model().objects.create_user("viewer", password="x", is_staff=True)
    other = Client()
    other.force_login(viewer)
    assert other.post(address).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(get_user_model().objects.get(username="admin"))
    assert strict.post(address).status_code == 403
    failed.refresh_from_db()
    assert failed.status == "failed"

    answer = admin_client.post(address, follow=True)
    assert [str(told) for told in answer.context["messages"]] == [f"{failed}: queued."]
    answer = admin_client.post(address, follow=True)
    assert "not possible any more" in str(next(iter(answer.context["messages"])))


def test_a_button_leads_back_to_its_own_page_and_nowhere_else(admin_client: Client) -> None:
    asset = make_asset()
    address = f"/admin/media_cache/cacheasset/{asset.pk}/do/fetch_again/"
    here = "http://testserver/admin/media_cache/cacheasset/?kind__exact=image"
    assert admin_client.post(address, headers={"Referer": here}).headers["Location"] == here
    evil = {"Referer": "https://evil.example/admin/"}
    asset = make_asset()
    address = f"/admin/media_cache/cacheasset/{asset.pk}/do/fetch_again/"
    answer = admin_client.post(address, headers=evil)
    assert answer.headers["Location"] == "/admin/media_cache/cacheasset/"


def test_the_front_page_says_what_waits_and_where_to_look(
    admin_client: Client, empty_redis: None
) -> None:
    profile = make_profile()
    make_asset(stored=False, status="failed")
    ProfileMonitoringLog.objects.create(profile=profile, trigger="manual")
    now = datetime.now(UTC)
    for n, left in enumerate((990, None, 980)):
        call = ApiCall(started_at=now - timedelta(seconds=n), endpoint="/v1", credits=2)
        call.id, call.credits_remaining = CacheAsset().pk, left
        call.save(force_insert=True)
    page = admin_client.get("/admin/").content.decode()
    assert '<a class="bad" href="/admin/media_cache/cacheasset/?status__exact=failed">' in page
    assert '<span class="badge badge-missing">missing</span>' in page  # no worker has run here
    assert 'title="990"' in page
    assert 'Spent today: <b><span class="number" title="6">6</span></b>' in page
    assert '<span class="badge badge-on">allowed</span>' in page
    ScraperGate.objects.create(closed_code="out_of_credits", closed_reason="Top up.")
    page = admin_client.get("/admin/").content.decode()
    assert "stopped: out_of_credits" in page


def test_the_front_page_opens_without_redis(admin_client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    page = admin_client.get("/admin/").content.decode()
    assert "Redis does not answer" in page


def test_a_chart_has_a_line_for_each_stretch_of_known_values() -> None:
    values = [100, 150, None, 140, 2_000_000]
    points = [(START + timedelta(hours=n), value) for n, value in enumerate(values)]
    svg = str(line_chart("Views & more", points))
    figure = ElementTree.fromstring(svg)
    lines = [line.get("points") or "" for line in figure.iter("polyline")]
    assert [len(line.split()) for line in lines] == [2, 2]
    assert "Views & more" in "".join(figure.itertext())
    assert "2M" in "".join(figure.itertext())
    assert "+2M fell 1 time" in "".join(figure.itertext())  # over the gap, too
    assert len(figure.findall(".//circle[@class='fall']")) == 1
    xs = [float(point.split(",")[0]) for line in lines for point in line.split()]
    assert xs == sorted(xs)


@pytest.mark.parametrize("values", [[], [None], [5], [0, 0, 0]])
def test_a_chart_of_little_is_no_error(values: list[int | None]) -> None:
    svg = line_chart("Views", [(START + timedelta(hours=n), v) for n, v in enumerate(values)])
    ElementTree.fromstring(str(svg))
    assert "nan" not in svg.lower()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[(None, "–"), (0, ">0<"), (999, ">999<"), (1000, ">1K<"), (1234567, ">1.2M<")],
        *[(999_999, ">1M<"), (12_345, ">12.3K<"), (156_000_000_000, ">156B<"), (-1500, ">-1.5K<")],
    ],
)
def test_numbers_are_short_and_exact_on_demand(number: int | None, text: str) -> None:
    assert text in compact(number)
    assert number is None or f'title="{number:,}"' in compact(number)


def test_times_say_how_long_and_exactly_when() -> None:
    assert "ago" in when(datetime.now(UTC) - timedelta(hours=3))
    assert ">now<" in when(datetime.now(UTC))
    assert "in 2" in when(datetime.now(UTC) + timedelta(hours=3)).replace("\xa0", " ")
    assert when(None, unknown="never") == "never"
    assert short("a\nb  c " + "x" * 200, 10) == "a b c xxx…"

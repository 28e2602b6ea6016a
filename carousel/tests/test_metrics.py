"""The page for Prometheus: who may read it, that it is well-formed, that its numbers are true."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token

from carousel import heartbeat
from carousel.lib import durations
from carousel.lib.drain import Flow, drain
from carousel.lib.exposition import Family, Sample, histogram, render
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from tiktok.models import ApiCall

TOKEN = "a-token-that-only-prometheus-knows"
LINE = re.compile(
    r"(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z_]+=\"(?:[^\"\\\n]|\\.)*\",?)*)\})? (?P<value>\S+)"
)


@pytest.fixture
def scrape(client: Client, settings: Any) -> Any:
    """The page as numbers by name and labels."""
    settings.METRICS_TOKEN = TOKEN

    def read() -> dict[str, float]:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200, answer.content
        assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
        found: dict[str, float] = {}
        for line in answer.content.decode().splitlines():
            if not line.startswith("#"):
                parsed = LINE.fullmatch(line)
                assert parsed, line
                found[line.rpartition(" ")[0]] = float(parsed["value"])
        return found

    return read


def finish(rows: list[CacheAsset]) -> None:
    for row in rows:
        row.finish(byte_size=1000)


@pytest.mark.django_db(transaction=True)
class TestPage:
    @pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer ", "Token wrong", "Basic x"])
    def test_nobody_reads_it_without_credentials(
        self, client: Client, settings: Any, header: str
    ) -> None:
        settings.METRICS_TOKEN = TOKEN
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 401

    def test_without_a_token_no_empty_one_opens_it(self, client: Client, settings: Any) -> None:
        settings.METRICS_TOKEN = ""
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401

    def test_an_api_token_opens_it(self, client: Client) -> None:
        token = Token.objects.create(user=User.objects.create(username="prometheus"))
        answer = client.get("/metrics", headers={"Authorization": f"Token {token.key}"})
        assert answer.status_code == 200

    def test_its_token_opens_nothing_else(self, client: Client, settings: Any) -> None:
        settings.METRICS_TOKEN = TOKEN
        answer = client.get("/api/queues", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 401

    def test_rows_durations_and_files_are_counted(self, scrape: Any, empty_redis: None) -> None:
        CacheAsset.objects.bulk_create(
            CacheAsset(kind="image", source_key=f"key-{number}") for number in range(7)
        )
        drain(Flow(CacheAsset, finish), [], seconds=10)
        CacheAsset.objects.create(kind="video", source_key="waiting")
        found = scrape()
        rows = 'carousel_work_rows{queue="media-cache",model="media_cache.CacheAsset",status="%s"}'
        assert found[rows % "completed"] == 7
        assert found[rows % "pending"] == 1
        assert found['carousel_media_files{kind="image"}'] == 7
        assert found['carousel_media_bytes{kind="image"}'] == 7000
        label = 'model="media_cache.CacheAsset"'
        assert found[f"carousel_work_duration_seconds_count{{{label}}}"] == 7
        assert found[f'carousel_work_duration_seconds_bucket{{{label},le="+Inf"}}'] == 7
        assert 'carousel_work_oldest_due_seconds{queue="media-cache"}' in found

    def test_calls_are_counted_by_status_and_credits_told(self, scrape: Any) -> None:
        statuses: list[tuple[int | None, str, int | None]] = [
            *[(200, "", 1), (200, "", 1), (503, "upstream_unavailable", None)],
            *[(None, "timeout", None), (None, "in_flight", None)],
        ]
        for status, code, credits in statuses:
            ApiCall.objects.create(
                pk=uuid4(),
                started_at=datetime.now(UTC),
                endpoint="/v1/tiktok/profile",
                http_status=status,
                error_code=code,
                credits=credits,
                credits_remaining=4321 if credits else None,
            )
        found = scrape()
        name = 'carousel_upstream_calls_total{endpoint="/v1/tiktok/profile",status="%s"}'
        assert found[name % "200"] == 2
        assert found[name % "503"] == found[name % "timeout"] == 1
        assert name % "in_flight" not in found
        assert found["carousel_credits_left"] == 4321
        assert found["carousel_upstream_calls_unsettled"] == 3
        assert found["carousel_upstream_stopped"] == 0

    def test_a_queue_is_consumed_once_its_heartbeat_was(
        self, scrape: Any, empty_redis: None
    ) -> None:
        assert scrape()['carousel_queue_consumed{queue="ocr"}'] == 0
        heartbeat.beat("ocr")
        found = scrape()
        assert found['carousel_queue_consumed{queue="ocr"}'] == 1
        assert found['carousel_queue_consumed{queue="media-cache"}'] == 0
        assert found['carousel_queue_last_consumed_timestamp_seconds{queue="ocr"}'] > 1e9

    def test_without_redis_the_rest_is_still_told(self, scrape: Any, settings: Any) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
        found = scrape()
        up = {part: found[f'carousel_part_up{{part="{part}"}}'] for part in ("work", "workers")}
        assert up == {"work": 1, "workers": 0}
        assert 'carousel_work_oldest_due_seconds{queue="ocr"}' in found

    def test_it_costs_as_many_queries_whatever_there_is(self, scrape: Any) -> None:
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                scrape()
            return len(captured)

        scrape()
        before = queries()
        CacheAsset.objects.bulk_create(
            CacheAsset(kind="image", source_key=f"k{n}", status=Status.COMPLETED, byte_size=1)
            for n in range(500)
        )
        assert queries() == before


def test_what_redis_could_not_count_is_counted_later(
    settings: Any, empty_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    durations.flush()
    good = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    with durations.measured([CacheAsset(), CacheAsset()]):
        pass
    durations.flush()
    settings.REDIS_URL = good
    monkeypatch.setattr(durations, "_down_until", 0.0)
    before = durations.durations().get("media_cache.CacheAsset")
    durations.flush()
    assert sum(durations.durations()["media_cache.CacheAsset"].counts) == 2 + sum(
        before.counts if before else ()
    )


def test_values_of_labels_can_be_anything() -> None:
    page = render([Family("a", "gauge", "b\nc", (Sample(1.5, {"d": 'e"f\\g\nh'}),))])
    assert page == '# HELP a b\\nc\n# TYPE a gauge\na{d="e\\"f\\\\g\\nh"} 1.5\n'


def test_buckets_are_cumulated() -> None:
    page = render([Family("a", "histogram", "b", tuple(histogram({}, [1, 2.5], [3, 0, 2], 9.5)))])
    assert page.splitlines()[2:] == [
        *('a_bucket{le="1"} 3', 'a_bucket{le="2.5"} 3', 'a_bucket{le="+Inf"} 5'),
        *("a_sum 9.5", "a_count 5"),
    ]

"""Watching profiles, and the runs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from tiktok.models import ProfileMonitoringLog
from tiktok.tests.api.world import make_profile

pytestmark = pytest.mark.django_db


def test_watching_is_told_with_the_ten_newest_runs(
    api: APIClient, conforms: Any, django_assert_num_queries: Any
) -> None:
    profile = make_profile()
    runs = [
        ProfileMonitoringLog.objects.create(
            profile=profile, trigger="scheduled", status="completed"
        )
        for _ in range(12)
    ]
    with django_assert_num_queries(3):  # token and user, profile, runs
        body = api.get(f"/api/tiktok/profiles/{profile.pk}/monitoring").json()
    conforms(body, "Monitoring")
    conforms(body["recentLogs"][0], "Run")
    newest = [str(run.pk) for run in reversed(runs)][:10]
    assert [log["id"] for log in body["recentLogs"]] == newest


def test_turning_it_on_plans_the_first_run_one_interval_ahead(api: APIClient) -> None:
    path = f"/api/tiktok/profiles/{make_profile().pk}/monitoring"
    body = api.patch(path, {"enabled": True, "intervalMinutes": 30}, format="json").json()
    assert body["monitoringEnabled"] is True
    assert body["monitoringIntervalMinutes"] == 30
    assert body["nextMonitoringRun"] is not None
    body = api.patch(path, {"enabled": False}, format="json").json()
    assert (body["monitoringEnabled"], body["nextMonitoringRun"]) == (False, None)
    body = api.patch(path, {"enabled": True, "interval": 45}, format="json").json()
    assert body["monitoringIntervalMinutes"] == 45
    both = {"enabled": True, "interval": 45, "intervalMinutes": 50}
    assert api.patch(path, both, format="json").json()["monitoringIntervalMinutes"] == 50
    for bad in ({}, {"enabled": "perhaps"}, {"enabled": True, "intervalMinutes": 0}):
        assert api.patch(path, bad, format="json").status_code == 400, bad


def test_triggering_twice_returns_the_open_run(api: APIClient, conforms: Any) -> None:
    profile = make_profile()
    path = f"/api/tiktok/profiles/{profile.pk}/monitoring/trigger"
    first = api.post(path)
    assert first.status_code == 202, first.content
    conforms(first.json(), "Triggered")
    assert first.json()["created"] is True
    assert first.json()["run"]["trigger"] == "manual"
    second = api.post(path, {"forceRecache": True}, format="json").json()
    assert second["created"] is False
    assert second["run"]["id"] == first.json()["run"]["id"]
    assert second["run"]["forceRecache"] is True
    assert ProfileMonitoringLog.objects.count() == 1


def test_many_are_switched_at_once_and_unknown_ones_are_named(
    api: APIClient, conforms: Any
) -> None:
    profiles = [make_profile() for _ in range(3)]
    nobody = str(uuid.uuid4())
    wanted = [str(profile.pk) for profile in profiles] + [nobody, "not-an-id"]
    answer = api.patch(
        "/api/tiktok/profiles/bulk/monitoring",
        {"profileIds": wanted, "enabled": True},
        format="json",
    )
    assert answer.status_code == 200, answer.content
    conforms(answer.json(), "BulkMonitoring")
    assert answer.json() == {
        "updatedCount": 3,
        "enabled": True,
        "notFound": [nobody, "not-an-id"],
    }
    too_many = {"profileIds": [nobody] * 1001, "enabled": True}
    answer = api.patch("/api/tiktok/profiles/bulk/monitoring", too_many, format="json")
    assert answer.status_code == 400


def test_runs_are_listed_newest_first_and_filtered(
    api: APIClient, conforms: Any, django_assert_num_queries: Any
) -> None:
    a, b = make_profile(), make_profile()
    failed = ProfileMonitoringLog.objects.create(
        profile=a, trigger="manual", status="failed", error="gone", error_code="not_found"
    )
    done = ProfileMonitoringLog.objects.create(profile=b, trigger="scheduled", status="completed")
    with django_assert_num_queries(3):  # token and user, ids, runs
        body = api.get("/api/tiktok/runs").json()
    conforms(body, "RunPage")
    assert [run["id"] for run in body["results"]] == [str(done.pk), str(failed.pk)]
    for query, run in (
        (f"profileId={a.pk}", failed),
        ("status=failed", failed),
        ("trigger=scheduled", done),
        ("ordering=createdAt&pageSize=1", failed),
    ):
        results = api.get(f"/api/tiktok/runs?{query}").json()["results"]
        assert [found["id"] for found in results] == [str(run.pk)], query

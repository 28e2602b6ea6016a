"""What a run got, why it stopped and how far back it looked: in every place that tells it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from carousel.lib.work import Status
from carousel.tests.commands import run_command
from tiktok.models import ProfileMonitoringLog, StopReason, TikTokPost, TikTokProfile
from tiktok.services import paging
from tiktok.services.completeness import summary
from tiktok.tests.api.world import make_profile
from tiktok.tests.conftest import WorkOff
from tiktok.tests.test_monitoring import run_of, watched

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_run(**fields: Any) -> ProfileMonitoringLog:
    known = {"trigger": "manual", "status": Status.COMPLETED, "completed_at": NOON}
    return ProfileMonitoringLog(**{**known, **fields})


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (
            a_run(
                posts_scraped=71, expected_posts=71, stop_reason="end_of_list", is_partial=False,
                oldest_post_at=NOON - timedelta(days=21),
            ),
            "Got 71 of 71 posts; it stopped because the list ended. "
            "The oldest it looked at was 3 weeks old.",
        ),
        (
            a_run(posts_scraped=30, expected_posts=90, stop_reason="cursor_unchanged"),
            "Got 30 of 90 posts, partial; it stopped because the cursor led to the same page "
            "again.",
        ),
        (
            a_run(posts_scraped=30, status=Status.FAILED, error_code="out_of_credits"),
            "Got 30 posts, partial; it stopped because it failed: out of credits.",
        ),
        (
            a_run(
                posts_scraped=60, expected_posts=90, status=Status.RUNNING, completed_at=None,
                oldest_post_at=NOON - timedelta(hours=5),
            ),
            "Got 60 of 90 posts so far. The oldest it looked at was 5 hours old.",
        ),
    ],
)  # fmt: skip
def test_a_run_is_told_in_words(run: ProfileMonitoringLog, told: str) -> None:
    assert summary(run, NOON) == told


def test_every_rule_has_its_words() -> None:
    rules = {word for word in (paging.stop_reason.__doc__ or "").split("``") if word.islower()}
    assert {rule for rule in rules if rule in StopReason.values} == {
        "end_of_list", "no_cursor", "cursor_unchanged", "cursor_not_decreasing", "repeated_page",
        "known_posts", "page_cap",
    }  # fmt: skip
    assert set(StopReason.values) >= paging.COMPLETE | {"suspect_empty", "private"}


@pytest.mark.django_db
def test_what_a_run_got_before_it_failed_is_kept_and_marked_partial(
    sandbox: Any, work_off: WorkOff
) -> None:
    profile = watched(sandbox)
    sandbox.account.set_balance(2)
    run = work_off(run_of(profile))
    assert (run.status, run.is_partial, run.posts_scraped) == (Status.FAILED, True, 30)
    assert TikTokPost.objects.count() == 30
    assert profile.posts.filter(published_at=run.oldest_post_at).exists()


@pytest.mark.django_db
def test_the_api_the_admin_and_exports_tell_it(
    sandbox: Any, work_off: WorkOff, api: APIClient, admin_client: Client, conforms: Any
) -> None:
    run = work_off(run_of(watched(sandbox, "load.7")))
    body = api.get("/api/tiktok/runs").json()
    conforms(body, "RunPage")
    (told,) = body["results"]
    assert (told["stopReason"], told["isPartial"]) == ("end_of_list", False)
    assert datetime.fromisoformat(told["oldestPostAt"]) == run.oldest_post_at
    assert told["summary"] == summary(run, NOON)
    assert told["summary"].startswith("Got 90 of 90 posts; it stopped because the list ended. The")
    page = admin_client.get(f"/admin/tiktok/profilemonitoringlog/{run.pk}/change/").content.decode()
    assert told["summary"] in page
    profile = admin_client.get(f"/admin/tiktok/tiktokprofile/{run.profile_id}/change/")
    assert "the list ended" in profile.content.decode()
    listed = admin_client.get("/admin/tiktok/profilemonitoringlog/").content.decode()
    for words in ("90 of 90", "the list ended", "oldest <time"):
        assert words in listed
    lines = b"".join(api.get("/api/tiktok/runs/export?format=ndjson").streaming_content)  # type: ignore[attr-defined]
    (exported,) = map(json.loads, lines.splitlines())
    assert {name: exported[name] for name in ("stopReason", "isPartial", "oldestPostAt")} == {
        name: told[name] for name in ("stopReason", "isPartial", "oldestPostAt")
    }


@pytest.mark.django_db(transaction=True)
def test_the_command_tells_it(sandbox: Any) -> None:
    user_id = sandbox.truth("load.7")["userId"]
    TikTokProfile.objects.create(tiktok_user_id=user_id, handle="load.7")
    answer = run_command("monitor_profile", "load.7", "--now", "--json")
    (told,) = answer.document["runs"]
    assert (told["itemsSkipped"], told["isPartial"]) == (0, False)
    assert told["oldestPostAt"]
    assert told["summary"].startswith("Got 90 of 90 posts; it stopped because the list ended.")
    assert "Got 90 of 90 posts" in run_command("monitor_profile", "load.7", "--now").out


@pytest.mark.django_db
def test_a_run_is_partial_until_it_is_known_to_be_whole() -> None:
    run = ProfileMonitoringLog.objects.create(profile=make_profile(), trigger="scheduled")
    assert run.is_partial

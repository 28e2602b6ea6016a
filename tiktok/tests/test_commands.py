"""``add_profile`` and ``monitor_profile``: what they do, tell, and fail with."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from carousel.lib.work import Status
from carousel.tests.commands import run_command
from tiktok.models import ProfileMonitoringLog, TikTokPost, TikTokProfile, Trigger
from tiktok.services import add_profile, trigger_run
from tiktok.tests.factories import make_profile

# What works on rows in a thread of its own needs them committed.
committed = pytest.mark.django_db(transaction=True)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_rate_limit")]

SMALL, LOAD = "creator.3", "load.7"


def test_a_profile_is_added_by_link_and_its_newest_posts_are_told(sandbox: Any) -> None:
    answer = run_command("add_profile", f"https://www.tiktok.com/@{LOAD.upper()}?lang=en")
    assert (answer.failure, TikTokPost.objects.count()) == ("", 30)
    assert f"@{LOAD}: added" in answer.out
    assert "30 posts new" in answer.out
    assert "the rest is queued" in answer.out
    assert "No worker has been seen on queue profile-monitor" in answer.err


def test_json_tells_everything_in_one_document(sandbox: Any) -> None:
    answer = run_command("add_profile", f"@{SMALL}", "--own", "--monitor", "--json")
    (profile,) = answer.document["profiles"]
    stored = TikTokProfile.objects.get()
    assert (stored.is_own_profile, stored.monitoring_enabled) == (True, True)
    assert profile["profileId"] == str(stored.pk)
    assert profile["stats"] == {"postsCreated": 5, "postsUpdated": 0, "totalPosts": 5}
    assert (profile["run"], profile["monitoringEnabled"]) == (None, True)
    assert answer.document["summary"] == {"total": 1, "created": 1, "failed": 0, "left": 0}
    run_command("add_profile", SMALL, "--no-monitor")
    stored.refresh_from_db()
    assert not stored.monitoring_enabled


def test_one_failure_stops_no_other_and_ends_in_an_exit_code(sandbox: Any) -> None:
    answer = run_command("add_profile", "nobody.at.all", "two words", SMALL, "--json")
    assert [each["errorCode"] for each in answer.document["profiles"]] == [
        "not_found", "bad_handle", "",
    ]  # fmt: skip
    assert answer.code == 1
    assert "2 of 3 failed. nobody.at.all: There is no account @nobody.at.all" in answer.failure
    assert TikTokProfile.objects.get().handle == SMALL


@pytest.mark.parametrize(
    ("status", "words"), [(402, "is out of credits"), (401, "Check SCRAPECREATORS_API_KEY")]
)
def test_what_concerns_every_call_ends_it(sandbox: Any, status: int, words: str) -> None:
    answer = run_command("add_profile", f"fault.http_{status}", SMALL, "--json")
    assert words in answer.failure
    assert answer.document["notTried"] == [SMALL]
    assert not TikTokProfile.objects.filter(handle=SMALL).exists()


def test_a_sandbox_that_does_not_run_is_told_how_to_start(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.SCRAPECREATORS_BASE_URL, settings.USE_SANDBOX = f"http://127.0.0.1:{port}", True
    answer = run_command("add_profile", SMALL)
    assert answer.failure.startswith(f"Nothing answers at http://127.0.0.1:{port}: run `manage.py")
    assert (answer.out, answer.code) == ("", 1)


def test_what_may_pass_is_tried_again(sandbox: Any) -> None:
    answer = run_command("add_profile", "fault.http_503.x1", "--json")
    assert answer.document["summary"]["created"] == 1, answer.failure


@committed
def test_waiting_sees_every_post_through(sandbox: Any) -> None:
    answer = run_command("add_profile", LOAD, "--wait", "--json")
    (profile,) = answer.document["profiles"]
    assert (profile["run"]["status"], profile["stats"]["totalPosts"]) == ("completed", 90)
    assert (answer.err, answer.failure) == ("", "")


@pytest.mark.parametrize("name", ["@LOAD.7", "https://www.tiktok.com/@load.7", "old.name", "id"])
def test_a_profile_is_named_in_any_way_and_has_one_open_run(empty_redis: None, name: str) -> None:
    profile = make_profile(handle=LOAD, previous_handles=["old.name"])
    run, _ = trigger_run(profile, trigger=Trigger.SCHEDULED)
    named = str(profile.pk) if name == "id" else name
    answer = run_command("monitor_profile", named, "--force-recache", "--json")
    assert [each["id"] for each in answer.document["runs"]] == [str(run.pk)]
    assert (answer.document["opened"], answer.document["workers"]) == (0, "missing")
    run.refresh_from_db()
    assert run.force_recache


def test_an_unknown_profile_is_told_how_to_be_added() -> None:
    answer = run_command("monitor_profile", "nobody")
    assert answer.failure == (
        "@nobody is not among the profiles: add it with `manage.py add_profile nobody`"
    )


@pytest.mark.parametrize(
    "args", [[], ["x", "--all"], ["--all", "--all-due"], ["--all-due", "--force-recache"]]
)
def test_it_must_be_clear_which_profiles_are_meant(args: list[str]) -> None:
    assert run_command("monitor_profile", *args).code == 1


@committed
def test_a_run_is_worked_on_here_and_its_figures_are_told(sandbox: Any) -> None:
    add_profile(LOAD)
    answer = run_command("monitor_profile", LOAD, "--now", "--json")
    (run,) = answer.document["runs"]
    assert (run["status"], run["pagesScraped"], run["postsScraped"]) == ("completed", 3, 90)
    assert (run["stopReason"], run["creditsCharged"]) == ("end_of_list", 4)
    assert (answer.failure, answer.document["failed"]) == ("", 0)
    again = run_command("monitor_profile", LOAD, "--now")
    assert "1 runs: 0 new posts on 3 pages for 4 credits" in again.out


@committed
def test_a_run_that_fails_fails_the_command(sandbox: Any) -> None:
    add_profile(SMALL)
    sandbox.account.set_balance(0)
    answer = run_command("monitor_profile", SMALL, "--now")
    assert answer.failure.startswith(f"The run over @{SMALL} failed: ScrapeCreators is out of")
    assert answer.code == 1


@committed
def test_a_run_that_has_to_wait_is_said_to_be_unfinished(sandbox: Any) -> None:
    add_profile(SMALL)
    sandbox.faults.add("/v1/tiktok/profile", "http_429_after", seconds=500)
    answer = run_command("monitor_profile", SMALL, "--now")
    assert answer.failure.startswith(f"The run over @{SMALL} is not finished: ScrapeCreators asks")
    assert ProfileMonitoringLog.objects.filter(status=Status.PENDING).count() == 1


@committed
def test_only_due_profiles_get_runs_and_all_means_all(sandbox: Any) -> None:
    for handle in (SMALL, "creator.5", "creator.6"):
        add_profile(handle)
    past = Now() - timedelta(minutes=1)
    due = TikTokProfile.objects.filter(handle=SMALL)
    due.update(monitoring_enabled=True, next_monitoring_run=past)
    answer = run_command("monitor_profile", "--all-due", "--now", "--json")
    assert answer.document["opened"] == 1
    assert [run["handle"] for run in answer.document["runs"]] == [SMALL]
    answer = run_command("monitor_profile", "--all", "--json")
    assert (answer.document["opened"], len(answer.document["runs"])) == (3, 3)

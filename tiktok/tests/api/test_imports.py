"""Lists of profiles through the API: what they hold, and what the workers make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from carousel.lib.work import Priority, Status
from carousel.tests.asking import problem
from carousel.tests.commands import run_command
from tiktok.models import ProfileImport, ProfileMonitoringLog, ScraperGate, TikTokProfile
from tiktok.services import add_queued
from tiktok.tests.api.world import make_profile

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_rate_limit")]
PATH = "/api/tiktok/profiles/import"


def send(api: APIClient, *handles: str, **more: Any) -> Any:
    return api.post(PATH, {"handles": list(handles), **more}, format="json")


def test_a_list_is_sorted_and_what_is_new_is_queued(
    api: APIClient, conforms: Callable[[Any, str], None]
) -> None:
    known = make_profile("known.one")
    answer = send(
        api,
        "@New.One",
        "https://www.tiktok.com/@known.one?lang=en",
        "two words",
        "new.one",
        "www.tiktok.com/@Other.One/photo/7540000000000000001",
    )
    assert answer.status_code == 202
    body = answer.json()
    conforms(body, "Import")
    assert body["new"] == [{"line": 1, "handle": "new.one"}, {"line": 5, "handle": "other.one"}]
    assert body["known"][0]["profileId"] == str(known.pk)
    assert body["duplicates"] == [{"line": 4, "handle": "new.one", "firstLine": 1}]
    assert [each["line"] for each in body["malformed"]] == [3]
    assert (body["total"], body["queued"], body["waiting"]) == (5, 2, 0)
    rows = ProfileImport.objects.order_by("id")
    assert [row.handle for row in rows] == ["new.one", "other.one"]
    assert {row.priority for row in rows} == {Priority.BACKLOG}
    again = send(api, "new.one").json()
    assert (again["queued"], again["waiting"]) == (0, 1)


def test_a_dry_run_queues_nothing(api: APIClient) -> None:
    answer = send(api, "new.one", dryRun=True)
    assert (answer.status_code, answer.json()["queued"]) == (200, 0)
    answer = api.post(f"{PATH}?dryRun=true", b"new.one\n", content_type="text/csv")
    assert (answer.status_code, answer.json()["dryRun"]) == (200, True)
    assert not ProfileImport.objects.exists()


@pytest.mark.parametrize("kind", ["text/csv", "text/plain", "text/csv; charset=utf-8"])
def test_csv_is_taken_as_it_is(api: APIClient, kind: str) -> None:
    listed = "\ufeffName;Profile URL\r\nAnna;https://www.tiktok.com/@anna.one\r\n\r\nBo;@bo.two\r\n"
    answer = api.post(f"{PATH}?monitor=true", listed.encode(), content_type=kind)
    assert [each["handle"] for each in answer.json()["new"]] == ["anna.one", "bo.two"]
    assert set(ProfileImport.objects.values_list("monitoring", flat=True)) == {True}


def test_ten_thousand_are_taken_in_a_few_queries_and_no_more_than_that(api: APIClient) -> None:
    handles = [f"someone.{n}" for n in range(10_000)]
    with CaptureQueriesContext(connection) as queries:
        assert send(api, *handles).json()["queued"] == 10_000
    assert len(queries) < 30
    problem(send(api, *handles, "one.more"), 400, "invalid")
    text = "\n".join([*handles, "one.more"]).encode()
    problem(api.post(PATH, text, content_type="text/csv"), 400, "invalid")


def test_what_is_no_list_is_refused(api: APIClient) -> None:
    problem(send(api), 400, "invalid")
    problem(api.post(PATH, b"", content_type="text/csv"), 400, "invalid")
    problem(api.post(PATH, b"a\0b", content_type="text/csv"), 400, "invalid")
    problem(api.post(PATH, b"x" * 3_000_000, content_type="text/csv"), 413, "too_large")
    problem(api.post(PATH, b"<a/>", content_type="application/xml"), 415, "unsupported_media_type")


def work_on(row: ProfileImport) -> ProfileImport:
    from carousel.lib.drain import guarded

    guarded(add_queued, ProfileImport.objects.claim(1, [row.pk]))
    row.refresh_from_db()
    return row


def test_the_workers_add_them_behind_everything_else(api: APIClient, sandbox: Any) -> None:
    send(api, "creator.3", "load.7", "nobody.at.all", monitor=True)
    small, large, nobody = map(work_on, ProfileImport.objects.order_by("id"))
    assert (small.status, large.status) == (Status.COMPLETED, Status.COMPLETED)
    assert small.profile is not None
    assert (small.profile.total_posts, small.profile.monitoring_enabled) == (5, True)
    rest = ProfileMonitoringLog.objects.get(profile=large.profile)
    assert (rest.status, rest.priority) == (Status.PENDING, Priority.BACKLOG)
    assert (nobody.status, nobody.error_code) == (Status.FAILED, "not_found")
    body = send(api, "creator.3", "nobody.at.all").json()
    assert ([each["handle"] for each in body["known"]], body["queued"]) == (["creator.3"], 1)


def test_without_credits_or_in_a_pause_they_wait_at_no_cost(api: APIClient, sandbox: Any) -> None:
    send(api, "creator.3")
    sandbox.account.set_balance(0)
    row = work_on(ProfileImport.objects.get())
    assert (row.status, row.attempts, row.error_code) == (Status.PENDING, 0, "out_of_credits")
    sandbox.account.set_balance(100)
    ScraperGate.objects.update_or_create(pk=ScraperGate.ONLY, defaults={"paused": True})
    ProfileImport.objects.update(run_after="2026-01-01T00:00Z")
    row = work_on(row)
    assert (row.status, row.attempts) == (Status.PENDING, 0)
    assert not TikTokProfile.objects.exists()


def test_the_command_can_leave_it_to_the_workers(tmp_path: Any) -> None:
    path = tmp_path / "list.txt"
    path.write_text("one.a\ntwo.b\n")
    answer = run_command("import_profiles", str(path), "--queue", "--own", "--json")
    assert (answer.document["queued"], answer.document["waiting"]) == (2, 0)
    assert set(ProfileImport.objects.values_list("is_own_profile", flat=True)) == {True}
    assert "2 had been before" in run_command("import_profiles", str(path), "--queue").out

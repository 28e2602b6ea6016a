"""Runs, the ledger and the switch in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from carousel.lib.ids import uuid7
from tiktok.models import ApiCall, LinkRefresh, ProfileMonitoringLog, ScraperGate
from tiktok.tests.api.world import START, make_post, make_profile

pytestmark = pytest.mark.django_db
RUNS = "/admin/tiktok/profilemonitoringlog/"
CALLS = "/admin/tiktok/apicall/"
GATE = f"/admin/tiktok/scrapergate/{ScraperGate.ONLY}/change/"


def make_run(**fields: Any) -> ProfileMonitoringLog:
    known: dict[str, Any] = {"trigger": "scheduled", "status": "completed", **fields}
    known.setdefault("profile", None)
    known["profile"] = known["profile"] or make_profile()
    run: ProfileMonitoringLog = ProfileMonitoringLog.objects.create(**known)
    return run


def make_call(**fields: Any) -> ApiCall:
    known = {"started_at": START, "endpoint": "/v1/tiktok/profile", "http_status": 200}
    return ApiCall.objects.create(id=uuid7(), **{**known, "credits": 1, **fields})


def test_runs_say_what_they_got_and_cost_at_a_constant_price(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    make_run(
        posts_scraped=70,
        expected_posts=71,
        is_partial=True,
        credits_charged=4,
        stop_reason="end_of_list",
        oldest_post_at=START - timedelta(days=21),
        started_at=START,
        completed_at=START + timedelta(seconds=9),
    )
    for rows in (0, 30):
        for _ in range(rows):
            make_run()
        with django_assert_num_queries(5):  # session, user, codes, count, rows
            page = admin_client.get(RUNS).content.decode()
    for words in ("70 of 71 (partial)", "the list ended", "9.0 s", "oldest <time"):
        assert words in page


def test_a_run_is_found_by_its_profile_and_looked_at_only(admin_client: Client) -> None:
    run = make_run(profile=make_profile("the.cook"), status="failed", error="Why.")
    make_run()
    found = admin_client.get(RUNS, {"q": "the.co"}).context["cl"].result_list
    assert [row.pk for row in found] == [run.pk]
    page = admin_client.get(f"{RUNS}{run.pk}/change/").content.decode()
    assert "Why." in page
    assert 'name="_save"' not in page
    assert f"{CALLS}?run__id__exact={run.pk}" in page
    assert admin_client.post(f"{RUNS}{run.pk}/change/", {"status": "pending"}).status_code == 403


def test_a_failed_run_is_retried_unless_another_is_open(admin_client: Client) -> None:
    profile = make_profile()
    failed = make_run(profile=profile, status="failed", error_code="not_found")
    make_run(profile=profile, status="pending")
    answer = admin_client.post(f"{RUNS}{failed.pk}/do/retry/", follow=True)
    assert "Another row has taken its place" in str(next(iter(answer.context["messages"])))
    alone = make_run(status="failed", error_code="not_found")
    form = {"error_code": "not_found"}
    answer = admin_client.post(f"{RUNS}retry-failed/", form, follow=True)
    assert "1 of 2 failed rows queued" in str(next(iter(answer.context["messages"])))
    failed.refresh_from_db()
    alone.refresh_from_db()
    assert (failed.status, alone.status) == ("failed", "pending")


def test_link_refreshes_name_what_they_are_for(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        LinkRefresh.objects.create(post=make_post(), status="failed", error_code="gone")
    LinkRefresh.objects.create(profile=make_profile("the.cook"))
    with django_assert_num_queries(5):
        page = admin_client.get("/admin/tiktok/linkrefresh/").content.decode()
    assert "@the.cook" in page


def test_the_ledger_is_read_only_and_told_apart_by_outcome(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    run = make_run()
    good = make_call(run=run, profile=run.profile)
    failed = make_call(http_status=404, error_code="not_found", credits=0)
    unsettled = make_call(http_status=None, error_code="timeout", credits=None)
    for rows in (0, 20):
        for _ in range(rows):
            make_call(run=make_run(), profile=make_profile())
        with django_assert_num_queries(4):  # session, user, count, rows
            admin_client.get(CALLS)

    def found(outcome: str) -> set[Any]:
        answer = admin_client.get(CALLS, {"outcome": outcome})
        return {row.pk for row in answer.context["cl"].result_list}

    assert good.pk in found("ok")
    assert found("failed") == {failed.pk, unsettled.pk}
    assert found("unsettled") == {unsettled.pk}
    assert admin_client.get(f"{CALLS}add/").status_code == 403
    page = admin_client.get(f"{CALLS}{good.pk}/change/").content.decode()
    assert 'name="_save"' not in page


def test_all_calls_are_paused_and_allowed_again_by_a_switch(admin_client: Client) -> None:
    answer = admin_client.get("/admin/tiktok/scrapergate/", follow=True)
    assert answer.redirect_chain[-1][0] == GATE
    front = admin_client.get("/admin/").content.decode()
    assert "ScrapeCreators switch" in front
    assert "Reading switch and budget" in front
    ScraperGate.objects.update(closed_code="out_of_credits")
    admin_client.post(GATE, {"paused": "on"})
    assert ScraperGate.objects.get().paused
    admin_client.post(GATE, {"closed_code": ""})
    gate = ScraperGate.objects.get()
    assert (gate.paused, gate.closed_code) == (False, "out_of_credits")


def test_the_buttons_of_a_list_stand_in_one_row(admin_client: Client) -> None:
    make_run(status="failed", error_code="not_found")
    page = admin_client.get(f"{RUNS}?status__exact=failed").content.decode()
    assert page.count('class="object-tools"') == 1
    tools = page.split('class="object-tools"')[1].split("</ul>")[0]
    assert "Retry all that failed" in tools
    assert ">CSV<" in tools


def test_the_row_of_links_leads_to_what_a_person_may_see(admin_client: Client) -> None:
    boss = admin_client.get("/admin/").content.decode()
    reader = get_user_model().objects.create(username="reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_tiktokpost"))
    client = Client()
    client.force_login(reader)
    theirs = client.get("/admin/").content.decode()
    for page, expected in ((boss, True), (theirs, False)):
        places = page.split('<nav id="places"')[1].split("</nav>")[0]
        assert "/admin/tiktok/tiktokpost/" in places
        assert ("/admin/tiktok/tiktokprofile/" in places) is expected
    assert 'id="places"' not in Client().get("/admin/login/").content.decode()

"""Profiles in the admin: added by handle, switched, run, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from carousel.lib.work import Status
from tiktok.models import ProfileMetrics, ProfileMonitoringLog, TikTokPost, TikTokProfile
from tiktok.tests.api.world import START, make_asset, make_post, make_profile

LIST = "/admin/tiktok/tiktokprofile/"


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def page_of(profile: TikTokProfile) -> str:
    return f"{LIST}{profile.pk}/change/"


def until_next(profile: TikTokProfile) -> timedelta:
    assert profile.next_monitoring_run is not None
    return profile.next_monitoring_run - datetime.now(UTC)


@pytest.mark.django_db
def test_the_list_costs_the_same_for_one_profile_and_for_many(
    admin_client: Client, django_assert_num_queries: Any
) -> None:
    make_profile("some.handle", avatar=make_asset("avatar"), follower_count=1_234_567)
    for rows in (0, 30):
        for _ in range(rows):
            make_profile(avatar=make_asset("avatar"))
        with django_assert_num_queries(4):  # session, user, count, rows
            page = admin_client.get(LIST).content.decode()
    assert "@some.handle" in page
    assert "1.2M" in page


@pytest.mark.django_db
@pytest.mark.parametrize("term", ["some.han", "@SOME", "Nick", "66500000000000000001"])
def test_a_profile_is_found_by_handle_name_and_number(admin_client: Client, term: str) -> None:
    wanted = make_profile("some.handle", nickname="Nicky", tiktok_user_id="66500000000000000001")
    make_profile("other")
    found = admin_client.get(LIST, {"q": term}).context["cl"].result_list
    assert [profile.pk for profile in found] == [wanted.pk]


@pytest.mark.django_db
def test_monitoring_is_switched_singly_and_in_bulk(admin_client: Client) -> None:
    profiles = [make_profile() for _ in range(3)]
    admin_client.post(f"{LIST}{profiles[0].pk}/do/switch_on/", follow=True)
    profiles[0].refresh_from_db()
    assert profiles[0].monitoring_enabled
    assert timedelta(hours=23) < until_next(profiles[0]) < timedelta(hours=25)

    chosen = {"action": "enable", "_selected_action": [str(profile.pk) for profile in profiles]}
    answer = admin_client.post(LIST, chosen, follow=True)
    assert "Monitoring is on for 3 profiles" in told(answer)
    assert TikTokProfile.objects.filter(monitoring_enabled=True).count() == 3
    admin_client.post(LIST, {**chosen, "action": "disable"})
    admin_client.post(f"{LIST}{profiles[0].pk}/do/switch_off/")
    assert not TikTokProfile.objects.filter(monitoring_enabled=True).exists()
    assert not TikTokProfile.objects.exclude(next_monitoring_run=None).exists()


@pytest.mark.django_db
def test_a_saved_interval_plans_the_next_run_and_writes_nothing_else(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    profile = make_profile(nickname="before")
    TikTokProfile.objects.filter(pk=profile.pk).update(bio="as scraped meanwhile")
    form = {"monitoring_enabled": "on", "monitoring_interval_minutes": "60", "nickname": "forged"}
    answer = admin_client.post(page_of(profile), form)
    assert answer.status_code == 302, answer.content.decode()
    profile.refresh_from_db()
    assert profile.monitoring_enabled
    assert (profile.nickname, profile.bio) == ("before", "as scraped meanwhile")
    assert timedelta(minutes=55) < until_next(profile) < timedelta(minutes=65)
    bad = {**form, "monitoring_interval_minutes": "0"}
    assert "errorlist" in admin_client.post(page_of(profile), bad).content.decode()


@pytest.mark.django_db
def test_a_profiles_page_shows_its_last_runs_with_errors_and_its_numbers(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    profile = make_profile()
    for n in range(12):
        ProfileMonitoringLog.objects.create(
            profile=profile,
            trigger="scheduled",
            status=Status.FAILED,
            error=f"Reason {n}.",
            error_code="not_found",
            posts_scraped=7,
            expected_posts=9,
            created_at=START + timedelta(days=n),
        )
        ProfileMetrics.objects.create(
            profile=profile, captured_at=START + timedelta(days=n), follower_count=100 + n
        )
    with django_assert_max_num_queries(10):
        page = admin_client.get(page_of(profile)).content.decode()
    assert "Reason 11." in page
    assert "Reason 2." in page
    assert "Reason 1." not in page, "ten are enough"
    assert "7 of 9" in page
    assert "<polyline" in page


@pytest.mark.django_db
def test_run_now_opens_one_run_however_often_it_is_pressed(admin_client: Client) -> None:
    profile, other = make_profile(), make_profile()
    address = f"{LIST}{profile.pk}/do/run_now/"
    assert "a run is queued" in told(admin_client.post(address, follow=True))
    assert "its open run goes first" in told(admin_client.post(address, follow=True))
    chosen = {"action": "run_selected", "_selected_action": [str(profile.pk), str(other.pk)]}
    assert "1 runs queued; 1 were open" in told(admin_client.post(LIST, chosen, follow=True))
    assert ProfileMonitoringLog.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_profile_is_added_by_a_pasted_link(admin_client: Client, sandbox: Any) -> None:
    handle = "load.7"
    link = f"https://www.tiktok.com/@{handle}?lang=en"
    answer = admin_client.post(f"{LIST}add/", {"account": link, "is_own_profile": "on"})
    assert answer.status_code == 302, answer.context["form"].errors
    profile = TikTokProfile.objects.get()
    assert answer.headers["Location"] == page_of(profile)
    assert (profile.handle, profile.is_own_profile) == (handle, True)
    assert TikTokPost.objects.filter(profile=profile).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("account", "words"),
    [
        ("fault.http_404", "not"),
        ("fault.http_402", "out of credits"),
        ("fault.http_401", "SCRAPECREATORS_API_KEY"),
        ("fault.http_502_html", "ScrapeCreators"),
        ("https://example.com/somebody", "handle"),
        ("", "required"),
    ],
)
def test_what_goes_wrong_at_adding_is_said_at_the_field(
    admin_client: Client, sandbox: Any, account: str, words: str
) -> None:
    answer = admin_client.post(f"{LIST}add/", {"account": account})
    assert answer.status_code == 200
    (error,) = answer.context["form"].errors["account"]
    assert words in error
    assert "Traceback" not in answer.content.decode()
    assert not TikTokProfile.objects.exists()


@pytest.mark.django_db
def test_a_profile_is_deleted_with_all_that_is_its_own(admin_client: Client) -> None:
    profile = make_profile(total_posts=2)
    kept = make_post()
    for _ in range(2):
        make_post(profile)
    address = f"{LIST}{profile.pk}/delete/"
    assert "with its 2 posts" in admin_client.get(address).content.decode()
    assert admin_client.post(address, {"post": "yes"}).status_code == 302
    assert list(TikTokPost.objects.values_list("pk", flat=True)) == [kept.pk]
    assert "delete_selected" not in admin_client.get(LIST).content.decode()

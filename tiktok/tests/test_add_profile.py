"""Adding a profile: its first page is there when it answers, the rest follows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from carousel.lib.errors import NotNow
from carousel.lib.work import Priority, Status
from tiktok.models import (
    ApiCall,
    PostMetrics,
    ProfileMetrics,
    ProfileMonitoringLog,
    ScraperGate,
    TikTokPost,
    TikTokProfile,
    Trigger,
)
from tiktok.scraper.errors import ScrapeError
from tiktok.services import Added, BadHandle, add_profile, trigger_run
from tiktok.tests.conftest import WorkOff
from tiktok.tests.factories import make_profile
from tiktok.tests.test_bulk_upsert import run_together

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_rate_limit")]

SMALL, LOAD = "creator.3", "load.7"


def test_the_first_page_is_stored_and_the_rest_is_queued(sandbox: Any, work_off: WorkOff) -> None:
    added = add_profile(f"https://www.tiktok.com/@{LOAD.upper()}?lang=en")
    assert (added.created, added.posts_created, added.posts_updated) == (True, 30, 0)
    assert added.total_posts == added.profile.total_posts == TikTokPost.objects.count() == 30
    assert added.run
    assert (added.run.status, added.run.trigger) == (Status.PENDING, Trigger.ADDED)
    assert added.run.priority == Priority.PERSON
    run = work_off(added.run)
    assert (run.posts_scraped, run.pages_scraped, run.credits_charged) == (90, 3, 4)
    assert ProfileMetrics.objects.count() == 1
    profile = added.profile
    truth = sandbox.truth(LOAD)
    assert (profile.handle, profile.tiktok_user_id) == (LOAD, truth["userId"])
    assert (profile.sec_uid, profile.nickname) == (truth["secUid"], truth["nickname"])
    assert profile.avatar
    assert not profile.monitoring_enabled


def test_a_profile_with_one_page_has_no_rest(sandbox: Any) -> None:
    added = add_profile(f"@{SMALL}", is_own_profile=True)
    assert (added.created, added.posts_created, added.run) == (True, 5, None)
    assert added.profile.is_own_profile
    run = ProfileMonitoringLog.objects.get()
    assert (run.status, run.stop_reason, run.credits_charged) == (
        Status.COMPLETED, "end_of_list", 2,
    )  # fmt: skip
    assert set(ApiCall.objects.values_list("run", "profile")) == {(run.pk, added.profile.pk)}


def test_a_known_profile_is_refreshed_the_same_way(still: Any) -> None:
    first = add_profile(SMALL, is_own_profile=True)
    still.clock.advance(3600)
    again = add_profile(SMALL)
    assert (again.created, again.profile.pk) == (False, first.profile.pk)
    assert again.posts_created + again.posts_updated == 5
    assert again.profile.is_own_profile
    assert PostMetrics.objects.count() > 5


def test_an_open_run_is_used_and_not_doubled(sandbox: Any) -> None:
    profile = make_profile(tiktok_user_id=sandbox.truth(LOAD)["userId"], handle=LOAD)
    waiting, _ = trigger_run(profile, trigger=Trigger.SCHEDULED)
    added = add_profile(LOAD)
    assert not added.created
    assert added.run
    assert added.run.pk == waiting.pk
    assert (added.posts_created, added.run.priority) == (30, Priority.PERSON)
    assert ProfileMonitoringLog.objects.count() == 1
    assert ApiCall.objects.filter(endpoint__endswith="/profile").count() == 1


def test_a_renamed_account_is_the_same_profile(sandbox: Any) -> None:
    first = add_profile(SMALL)
    sandbox.world.rename(SMALL, "creator.999")
    again = add_profile("creator.999")
    assert (again.created, again.profile.pk) == (False, first.profile.pk)
    assert (again.profile.handle, again.profile.previous_handles) == ("creator.999", [SMALL])


def test_a_recycled_handle_belongs_to_its_new_holder_and_nothing_is_merged(
    sandbox: Any, work_off: WorkOff
) -> None:
    first = add_profile(SMALL)
    sandbox.world.recycle(SMALL)
    second = add_profile(SMALL)
    assert second.created
    assert second.profile.pk != first.profile.pk
    old = TikTokProfile.objects.get(pk=first.profile.pk)
    assert (old.handle, old.previous_handles) == ("", [SMALL])
    assert (second.profile.handle, second.profile.previous_handles) == (SMALL, [])
    assert (old.total_posts, second.profile.total_posts) == (5, 5)
    work_off(trigger_run(old, trigger=Trigger.MANUAL)[0])
    old.refresh_from_db()
    assert (old.handle, old.previous_handles) == (f"{SMALL}.old", [SMALL])


@pytest.mark.parametrize("text", ["", "two words", "https://vm.tiktok.com/ZM1/", "https://x.com/a"])
def test_what_is_no_handle_is_refused_without_a_call(sandbox: Any, text: str) -> None:
    with pytest.raises(BadHandle, match=r"handle|link"):
        add_profile(text)
    assert not sandbox.account.calls


def test_an_unknown_handle_is_not_found(sandbox: Any) -> None:
    with pytest.raises(ScrapeError) as caught:
        add_profile("nobody.at.all")
    assert caught.value.code == "not_found"
    assert not TikTokProfile.objects.exists()


def test_out_of_credits_is_said_at_once(sandbox: Any) -> None:
    sandbox.account.set_balance(0)
    with pytest.raises(ScrapeError) as caught:
        add_profile(SMALL)
    assert caught.value.code == "out_of_credits"
    sandbox.account.set_balance(1)  # enough for the profile, not for its posts
    with pytest.raises(ScrapeError) as caught:
        add_profile(SMALL)
    assert caught.value.code == "out_of_credits"
    assert ProfileMonitoringLog.objects.get().error_code == "out_of_credits"


def test_posts_that_cannot_be_had_now_follow_later(sandbox: Any, work_off: WorkOff) -> None:
    sandbox.faults.add("/v3", "http_503", times=1)
    added = add_profile(SMALL)
    assert (added.created, added.total_posts) == (True, 0)
    assert added.run
    assert (added.run.status, added.run.error_code) == (Status.PENDING, "upstream_unavailable")
    ProfileMonitoringLog.objects.update(run_after="2020-01-01T00:00Z")
    assert work_off(added.run).posts_created == 5


def test_a_private_account_is_added_without_posts(sandbox: Any) -> None:
    added = add_profile("fault.private")
    assert (added.created, added.run, added.profile.private) == (True, None, True)
    assert ProfileMonitoringLog.objects.get().stop_reason == "private"


def test_a_pause_is_respected(sandbox: Any) -> None:
    ScraperGate.objects.create(paused=True)
    with pytest.raises(NotNow, match="paused"):
        add_profile(SMALL)
    assert not sandbox.account.calls


@pytest.mark.django_db(transaction=True)
def test_adding_one_handle_many_times_at_once_yields_one_profile(sandbox: Any) -> None:
    added: list[Added] = []

    def add(number: int) -> None:
        added.append(add_profile(LOAD))

    run_together(5, add)
    connection.close()
    assert sum(one.created for one in added) == 1
    assert TikTokProfile.objects.count() == ProfileMonitoringLog.objects.count() == 1
    assert {one.total_posts for one in added} == {30}
    assert TikTokPost.objects.count() == 30
    assert sum("videos" in call["endpoint"] for call in sandbox.account.calls) == 1

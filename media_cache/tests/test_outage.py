"""A host that is down for hours is waited for; a file that is broken, or a dead host, is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from carousel.lib.drain import drain
from carousel.lib.work import Status
from media_cache.models import CacheAsset
from media_cache.services import FLOW, MediaRequest, request_media
from media_cache.services.hosts import LONGEST_OUTAGE, LONGEST_PAUSE, forget_holds
from media_cache.tests.gradients import picture
from media_cache.tests.origin import Origin, answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("alone")]

DOWN = answer(status="503 Service Unavailable")
DAY = timedelta(hours=24)


def ask(origin: Origin, path: str = "/a", expires_at: datetime | None = None) -> None:
    request_media([MediaRequest("image", "key", (origin.url + path,), expires_at)])


def try_now() -> CacheAsset:
    """As a worker does once hold and pause are over."""
    forget_holds()
    CacheAsset.objects.filter(status=Status.PENDING).update(run_after=Now())
    drain(FLOW)
    return CacheAsset.objects.get(source_key="key")


def pass_hours(hours: float) -> None:
    CacheAsset.objects.update(host_down_since=F("host_down_since") - timedelta(hours=hours))


def pause_of(asset: CacheAsset) -> float:
    """Seconds between the try and the next one."""
    assert asset.started_at is not None
    return (asset.run_after - asset.started_at).total_seconds()


OUTAGES: dict[str, list[bytes | float | None]] = {
    "unavailable": [DOWN],
    "bad gateway": [answer(status="502 Bad Gateway")],
    "refuses everybody": [answer(status="429 Too Many")],
    "hangs up": [None],
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_of_hours_costs_no_attempt(origin: Origin, outage: str) -> None:
    origin.answers = {"/a": OUTAGES[outage]}
    ask(origin)
    for _ in range(2 * CacheAsset.MAX_ATTEMPTS):
        asset = try_now()
        assert (asset.status, asset.attempts) == (Status.PENDING, 0)
        assert asset.error_code in ("upstream_error", "rate_limited", "connection_failed")
        pass_hours(2)
    assert len(origin.requests) == 2 * CacheAsset.MAX_ATTEMPTS
    origin.answers = {"/a": [answer(picture())]}
    asset = try_now()
    assert (asset.status, asset.error, asset.host_down_since) == (Status.COMPLETED, "", None)


def test_the_pause_grows_with_the_outage_up_to_ten_minutes(origin: Origin) -> None:
    origin.answers = {"/a": [DOWN]}
    ask(origin)
    pauses = []
    for hours in (0.0, 0.5, 3.0):
        pass_hours(hours)
        pauses.append(pause_of(try_now()))
    assert pauses[0] < 15 < pauses[1] < LONGEST_PAUSE * 0.75 < pauses[2] <= LONGEST_PAUSE * 1.25


def test_a_host_that_does_not_come_back_for_a_day_ends_the_row_and_a_person_may_retry(
    origin: Origin,
) -> None:
    origin.answers = {"/a": [DOWN]}
    ask(origin)
    try_now()
    pass_hours(24)
    asset = try_now()
    assert (asset.status, asset.error_code) == (Status.FAILED, "host_down")
    assert "down for 24 hours" in asset.error
    assert LONGEST_OUTAGE == DAY
    CacheAsset.objects.all().requeue()
    asset = try_now()
    assert (asset.status, asset.error_code) == (Status.PENDING, "upstream_error")
    assert asset.host_down_since == asset.started_at


def test_fresh_links_heal_a_row_whose_host_did_not_come_back(origin: Origin) -> None:
    origin.answers = {"/a": [DOWN]}
    ask(origin)
    try_now()
    pass_hours(24)
    try_now()
    ask(origin, "/b")
    asset = CacheAsset.objects.get()
    assert (asset.status, asset.host_down_since) == (Status.PENDING, None)


def test_links_that_expire_meanwhile_are_asked_for_and_the_day_goes_on(origin: Origin) -> None:
    origin.answers = {"/a": [DOWN], "/b": [DOWN]}
    ask(origin, expires_at=datetime.now(UTC) + timedelta(hours=6))
    try_now()
    CacheAsset.objects.update(expires_at=Now() - timedelta(seconds=1))
    pass_hours(6)
    asset = try_now()
    assert (asset.status, asset.error_code) == (Status.BLOCKED, "link_dead")
    ask(origin, "/b", expires_at=datetime.now(UTC) + timedelta(hours=6))
    asset = try_now()
    assert asset.status == Status.PENDING
    assert asset.host_down_since is not None
    assert datetime.now(UTC) - asset.host_down_since > timedelta(hours=6)


def test_a_file_that_its_host_can_not_make_is_given_up_soon(origin: Origin) -> None:
    origin.answers = {"/a": [answer(status="500 Oops")]}
    ask(origin)
    for _ in range(CacheAsset.MAX_ATTEMPTS):
        asset = try_now()
    assert (asset.status, asset.error_code) == (Status.FAILED, "upstream_error")
    assert asset.attempts == CacheAsset.MAX_ATTEMPTS


def test_a_file_that_is_refused_while_others_come_is_given_up_soon(origin: Origin) -> None:
    origin.answers = {"/a": [DOWN], "/good": [answer(picture())]}
    ask(origin)
    for number in range(CacheAsset.MAX_ATTEMPTS):
        forget_holds()
        request_media([MediaRequest("image", f"good{number}", (f"{origin.url}/good",))])
        CacheAsset.objects.filter(source_key="key").update(run_after=Now() + timedelta(hours=1))
        drain(FLOW)
        CacheAsset.objects.filter(source_key="key").update(run_after=Now())
        drain(FLOW)
    asset = CacheAsset.objects.get(source_key="key")
    assert (asset.status, asset.error_code) == (Status.FAILED, "upstream_error")

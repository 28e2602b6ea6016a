"""A host in trouble is left alone by everybody; one broken file holds nobody up."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db.models.functions import Now

from carousel.lib import limits
from carousel.lib.drain import drain
from carousel.lib.errors import NotNow
from carousel.lib.limits import Holds
from carousel.lib.work import Status
from media_cache.download import DownloadError, HostBackoff
from media_cache.models import CacheAsset
from media_cache.services import FLOW, MediaRequest, request_media
from media_cache.services.hosts import HOLDS
from media_cache.tests.gradients import picture
from media_cache.tests.origin import Origin, answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("alone")]

BUSY = answer(status="429 Too Many", headers="Retry-After: 2\r\n")
DOWN = answer(status="503 Service Unavailable")
BROKEN = answer(status="500 Oops")
GOOD = answer(picture())


def ask(origin: Origin, *paths: str) -> None:
    request_media([MediaRequest("image", path, (origin.url + path,)) for path in paths])


def work() -> None:
    """As a worker does some seconds later: what was put off a little is due."""
    CacheAsset.objects.filter(status=Status.PENDING).update(run_after=Now())
    drain(FLOW)


def by_key() -> dict[str, tuple[str, int, str]]:
    rows = CacheAsset.objects.values_list("source_key", "status", "attempts", "error_code")
    return {key: (status, attempts, code) for key, status, attempts, code in rows}


def host(origin: Origin) -> str:
    return f"127.0.0.1:{origin.port}"


def test_a_host_that_asks_for_a_pause_gets_it_from_every_row(origin: Origin) -> None:
    origin.answers = {"/busy": [BUSY], "/a": [GOOD], "/b": [GOOD]}
    ask(origin, "/busy")
    drain(FLOW)
    ask(origin, "/a", "/b")
    work()
    assert len(origin.requests) == 1
    assert by_key() == {
        "/busy": (Status.PENDING, 0, ""),
        "/a": (Status.PENDING, 0, ""),
        "/b": (Status.PENDING, 0, ""),
    }
    waits = CacheAsset.objects.filter(source_key="/a", run_after__gt=Now())
    assert waits.exists()
    assert "left alone" in CacheAsset.objects.get(source_key="/a").error
    assert 1 < HOLDS.left(host(origin)) <= 2
    time.sleep(HOLDS.left(host(origin)) + 0.01)
    origin.answers["/busy"] = [GOOD]
    for _ in range(3):  # the first tries the host, the others follow
        work()
    assert {status for status, _, _ in by_key().values()} == {Status.COMPLETED}


def test_a_host_that_is_down_is_not_hammered(origin: Origin, settings: Any) -> None:
    paths = [f"/{number}" for number in range(60)]
    origin.answers = {path: [DOWN] for path in paths}
    ask(origin, *paths)
    work()
    work()
    assert len(origin.requests) <= settings.MEDIA_LANES
    assert {attempts for _, attempts, _ in by_key().values()} == {0}
    tried = CacheAsset.objects.exclude(host_down_since=None)
    assert tried.count() == len(origin.requests)


def test_one_broken_file_among_good_ones_holds_nobody_up(origin: Origin) -> None:
    origin.answers = {"/broken": [BROKEN], **{f"/{number}": [GOOD] for number in range(8)}}
    ask(origin, "/0")
    drain(FLOW)
    ask(origin, "/broken")
    drain(FLOW)
    ask(origin, *[f"/{number}" for number in range(1, 8)])
    drain(FLOW)
    states = by_key()
    assert states.pop("/broken") == (Status.PENDING, 1, "upstream_error")
    assert {status for status, _, _ in states.values()} == {Status.COMPLETED}


def test_a_host_that_nobody_reaches_is_left_alone_for_a_moment() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    request_media([MediaRequest("image", "a", (f"{url}/a",))])
    drain(FLOW)
    request_media([MediaRequest("image", "b", (f"{url}/b",))])
    drain(FLOW)
    assert by_key() == {
        "a": (Status.PENDING, 0, "connection_failed"),
        "b": (Status.PENDING, 0, ""),
    }


def test_a_link_to_another_host_is_tried_meanwhile(origin: Origin) -> None:
    with Origin() as other:
        origin.answers, other.answers = {"/busy": [BUSY]}, {"/a": [GOOD]}
        ask(origin, "/busy")
        drain(FLOW)
        urls = (f"{origin.url}/a", f"{other.url}/a")
        request_media([MediaRequest("image", "a", urls)])
        drain(FLOW)
    assert by_key()["a"][0] == Status.COMPLETED
    assert len(origin.requests) == 1


def test_a_redirect_does_not_lead_around_it(origin: Origin) -> None:
    with Origin() as other:
        to = f"Location: {origin.url}/a\r\n"
        origin.answers = {"/busy": [BUSY]}
        other.answers = {"/a": [answer(status="302 Found", headers=to)]}
        ask(origin, "/busy")
        drain(FLOW)
        request_media([MediaRequest("image", "a", (f"{other.url}/a",))])
        drain(FLOW)
    assert by_key()["a"] == (Status.PENDING, 0, "")
    assert len(origin.requests) == 1


def test_downloads_that_succeed_do_not_ask_redis(origin: Origin, settings: Any) -> None:
    paths = [f"/{number}" for number in range(50)]
    origin.answers = {path: [GOOD] for path in paths}
    server = redis.Redis.from_url(settings.REDIS_URL)

    def scripts() -> int:
        stats: Any = server.info("commandstats")
        return int(stats.get("cmdstat_eval", {"calls": 0})["calls"])

    ask(origin, *paths)
    before, began = scripts(), time.monotonic()
    drain(FLOW)
    assert CacheAsset.objects.filter(status=Status.COMPLETED).count() == 50
    assert scripts() - before <= 2 + (time.monotonic() - began)


def failure(code: str, retry_after: float | None = None) -> DownloadError:
    return DownloadError("x", code=code, retryable=True, retry_after=retry_after)


def meet(backoff: HostBackoff, error: DownloadError | None) -> bool:
    """Whether the host was asked; it then gave this answer."""
    try:
        with backoff.watching("cdn"):
            if error:
                raise error
    except NotNow:
        return False
    except DownloadError:
        pass
    return True


@pytest.fixture
def holds(empty_redis: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holds]:
    monkeypatch.setattr(limits, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(limits, "_down_until", float("-inf"))
    made = Holds("test-hosts")
    yield made
    made.forget()


def test_another_process_learns_of_it_within_a_second(holds: Holds) -> None:
    here, there = HostBackoff(holds), HostBackoff(Holds("test-hosts"))
    assert meet(there, None)
    assert meet(here, failure("rate_limited", 0.3))
    assert not meet(there, None)
    time.sleep(0.31)
    assert meet(there, None)


def test_after_a_hold_one_download_tries_the_host_and_the_others_follow(holds: Holds) -> None:
    backoff = HostBackoff(holds)
    meet(backoff, failure("upstream_error", 0.1))
    time.sleep(0.15)
    with backoff.watching("cdn"):
        assert not meet(backoff, None)
    assert meet(backoff, None)
    with backoff.watching("cdn"):
        assert meet(backoff, None)


def test_holds_grow_while_a_host_stays_down_and_start_over_when_it_is_back(
    holds: Holds, monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff, lengths = HostBackoff(holds), []
    for _ in range(12):
        meet(backoff, failure("upstream_error"))
        lengths.append(round(holds.left("cdn")))
        holds.forget()  # as when it has ended
    assert lengths == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    meet(backoff, None)
    monkeypatch.setattr("media_cache.download.backoff.RECENT", 0.0)
    meet(backoff, failure("upstream_error"))
    assert round(holds.left("cdn")) == 2


def test_what_was_under_way_when_a_host_fell_is_one_failure_and_not_many(holds: Holds) -> None:
    backoff = HostBackoff(holds)
    together = [backoff.watching("cdn") for _ in range(10)]
    for each in together:
        each.__enter__()
    for each in together:
        error = failure("connection_failed")
        each.__exit__(type(error), error, None)
    assert 0 < holds.left("cdn") <= 1.0


def test_nobody_can_stop_a_host_for_everybody_for_longer_than_an_hour(holds: Holds) -> None:
    meet(HostBackoff(holds), failure("rate_limited", 86_400))
    assert 3500 < holds.left("cdn") <= 3600


def test_without_redis_each_process_still_holds_back_by_itself(holds: Holds, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    backoff = HostBackoff(holds)
    meet(backoff, failure("rate_limited", 5))
    assert not meet(backoff, None)

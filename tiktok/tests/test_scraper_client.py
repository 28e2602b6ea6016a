"""The client against a real server on loopback: what it asks, and the books it keeps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carousel.lib.errors import NotNow
from carousel.tests.loopback import Loopback, loopback, reply
from tiktok.scraper import Call, PlannedCall, ScrapeCreators, ScraperConfig
from tiktok.tests.scraping import KEY, POST, sample


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.fixture
def calls() -> list[Call]:
    """Every call that the client reported."""
    return []


@pytest.fixture
def client(server: Loopback, calls: list[Call]) -> Iterator[ScrapeCreators]:
    config = ScraperConfig(server.url, KEY, timeout=0.3, on_call=calls.append)
    with ScrapeCreators(config) as ours:
        yield ours


class TestQuestions:
    def test_a_profile_is_asked_for_by_user_id_where_it_is_known(
        self, server: Loopback, client: ScrapeCreators, shared: Path, calls: list[Call]
    ) -> None:
        body = sample(shared, "profile_stoolpresidente.json")
        server.answer(reply(200, body | {"credits_remaining": 41}))
        found = client.profile("@StoolPresidente", "6659752019493208069")
        assert found.profile.handle == "stoolpresidente"
        assert (found.credits_charged, found.credits_remaining, found.cached) == (1, 41, False)
        (request,) = server.requests
        assert request.target == "/v1/tiktok/profile?user_id=6659752019493208069"
        assert request.headers["x-api-key"] == KEY
        assert request.headers["accept"] == "application/json"

    def test_a_profile_is_asked_for_by_bare_handle(
        self, server: Loopback, client: ScrapeCreators, shared: Path
    ) -> None:
        server.answer(reply(200, sample(shared, "profile_stoolpresidente.json")))
        client.profile("https://www.tiktok.com/@Some.Handle?lang=en")
        assert server.requests[0].query == {"handle": "some.handle"}

    def test_a_page_is_asked_for_with_everything_that_helps_and_nothing_that_harms(
        self, server: Loopback, client: ScrapeCreators, shared: Path
    ) -> None:
        server.answer(reply(200, sample(shared, "sc/v3_tiktok_profile_videos.sampleResponse.json")))
        page = client.profile_videos(
            "_some.handle", user_id="6659752019493208069", cursor="1738435195000", region="US"
        )
        assert page.cursor == "1738435195000"
        assert server.requests[0].path == "/v3/tiktok/profile/videos"
        assert server.requests[0].query == {
            "handle": "_some.handle",
            "user_id": "6659752019493208069",
            "sort_by": "latest",
            "max_cursor": "1738435195000",
            "region": "US",
        }

    def test_a_post_is_asked_for_without_the_query_of_its_link(
        self, server: Loopback, client: ScrapeCreators, shared: Path
    ) -> None:
        server.answer(reply(200, sample(shared, "sc/v2_tiktok_video.sampleResponse.json")))
        found = client.video(POST + "?_r=1&u_code=x#top", transcript=True)
        assert found.transcript is not None
        assert found.transcript.startswith("WEBVTT")
        assert server.requests[0].path == "/v2/tiktok/video"
        assert server.requests[0].query == {"url": POST, "get_transcript": "true"}

    def test_our_account_is_free_to_ask_about(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        server.answer(reply(200, '{"creditCount":333}', {"Content-Type": "text/plain"}))
        assert client.credit_balance() == 333
        row = {
            "id": 7,
            "endpoint": "/v1/tiktok/profile",
            "status_code": 200,
            "duration_ms": 812,
            "success": True,
            "request_payload": {"handle": "a", "page": 2},
            "http_method": "GET",
            "request_time": "2026-11-22T10:00:00.000Z",
            "credits": "1",
        }
        server.answer(reply(200, [row, "junk"]))
        (usage,) = client.usage(2, endpoint="profile", status_code=200)
        assert usage.id == "7"
        assert usage.credits == 1
        assert usage.payload == {"handle": "a", "page": "2"}
        assert usage.requested_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
        day = {"usage_date": "2026-11-21", "total_credits": "47", "request_count": "48"}
        server.answer(reply(200, [day, {}]))
        (daily,) = client.daily_usage()
        assert (daily.day, daily.credits, daily.requests) == ("2026-11-21", 47, 48)
        assert [request.target for request in server.requests] == [
            "/v1/account/credit-balance",
            "/v1/account/get-api-usage?page=2&endpoint=profile&statusCode=200",
            "/v1/account/get-daily-usage-count",
        ]
        assert [(call.credits_charged, call.max_credits) for call in calls] == [(0, 0)] * 3

    @pytest.mark.parametrize(
        "ask",
        [
            lambda client: client.profile(),
            lambda client: client.profile("not a handle"),
            lambda client: client.profile(user_id="MS4wLj"),
            lambda client: client.profile_videos(""),
            lambda client: client.profile_videos("a", region="usa"),
            lambda client: client.video("https://vm.tiktok.com/ZMabc/"),
            lambda client: client.video("https://evil.example/@a/video/1"),
        ],
    )
    def test_nonsense_is_refused_before_it_costs_anything(
        self,
        server: Loopback,
        client: ScrapeCreators,
        calls: list[Call],
        ask: Callable[[ScrapeCreators], object],
    ) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            ask(client)
        assert server.requests == []
        assert calls == []


class TestBooks:
    def test_every_call_leaves_a_record(
        self,
        server: Loopback,
        client: ScrapeCreators,
        calls: list[Call],
        shared: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        body = sample(shared, "profile_stoolpresidente.json")
        server.answer(reply(200, body | {"credits_remaining": 99}))
        client.profile("a")
        (call,) = calls
        assert call.endpoint == "/v1/tiktok/profile"
        assert call.params == {"handle": "a"}
        assert (call.http_status, call.error_code, call.cached) == (200, "", False)
        assert (call.credits_charged, call.credits_remaining, call.max_credits) == (1, 99, 1)
        assert datetime.now(UTC) - call.started_at < timedelta(seconds=5)
        assert not call.maybe_charged
        assert KEY not in repr(call) + caplog.text

    def test_a_cached_answer_is_free_and_says_so(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call], shared: Path
    ) -> None:
        server.answer(reply(200, sample(shared, "profile_stoolpresidente_cached.json")))
        found = client.profile("stoolpresidente")
        assert (found.cached, found.credits_charged) == (True, 0)
        assert (calls[0].cached, calls[0].credits_charged) == (True, 0)

    def test_a_budget_can_stop_a_call_before_it_is_made(
        self, server: Loopback, calls: list[Call]
    ) -> None:
        planned: list[PlannedCall] = []

        def stop(call: PlannedCall) -> None:
            planned.append(call)
            raise NotNow("the budget of today is spent", wait=60)

        config = ScraperConfig(server.url, KEY, before_call=stop, on_call=calls.append)
        with ScrapeCreators(config) as client, pytest.raises(NotNow):
            client.profile_videos("a")
        assert server.requests == []
        assert calls == []
        assert (planned[0].max_credits, planned[0].params["handle"]) == (1, "a")

    def test_a_reservation_and_its_call_have_the_same_id(
        self, server: Loopback, calls: list[Call], shared: Path
    ) -> None:
        planned: list[PlannedCall] = []
        config = ScraperConfig(
            server.url, KEY, before_call=planned.append, on_call=calls.append, timeout=1
        )
        server.answer(reply(200, sample(shared, "profile_stoolpresidente.json")))
        with ScrapeCreators(config) as client:
            client.profile("a")
            client.profile("b")
        assert [call.id for call in calls] == [call.id for call in planned]
        assert len({call.id for call in calls}) == 2

    def test_a_call_is_recorded_even_if_our_own_code_breaks(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        def explode(_: object) -> None:
            raise ZeroDivisionError

        server.answer(reply(200, {"success": True, "credits_charged": 1}))
        with pytest.raises(ZeroDivisionError):
            client._ask("/v1/tiktok/profile", {}, explode, "profile")
        assert (calls[0].error_code, calls[0].credits_charged) == ("interrupted", 1)


class TestEmptyPages:
    def test_an_empty_page_is_not_believed_before_the_other_region_was_asked(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        body = {"success": True, "credits_charged": 1, "aweme_list": [], "has_more": 0}
        server.answer(reply(200, body))
        page = client.profile_videos("a")
        assert (page.posts, page.has_more, page.cursor, page.region_hint) == ((), False, None, "US")
        assert calls[0].credits_charged == 1
        assert client.profile_videos("a", region="GB").region_hint == "US"
        assert client.profile_videos("a", region="US").region_hint is None
        assert client.profile_videos("a", cursor="1").region_hint is None

    def test_null_for_the_list_is_an_empty_page(
        self, server: Loopback, client: ScrapeCreators
    ) -> None:
        server.answer(reply(200, {"success": True, "aweme_list": None, "status_code": 0}))
        assert client.profile_videos("a").posts == ()

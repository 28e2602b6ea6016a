"""What the client makes of refusals and of answers that are none, from a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from carousel.tests.loopback import Loopback, loopback, reply, unused_port
from tiktok.scraper import Call, ScrapeCreators, ScraperConfig
from tiktok.tests.scraping import KEY, POST, error_body, refused, sample


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


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "words", "code", "retryable", "charged"),
        [
            (400, "", "bad_request", False, 0),
            (401, "", "unauthorized", False, 0),
            (402, "", "out_of_credits", False, 0),
            (403, "", "forbidden", False, None),
            (404, "reels", "not_found", False, 0),
            (404, "Account doesn't exist", "not_found", False, 0),
            (429, "", "rate_limited", True, None),
            (500, "", "upstream_unavailable", True, None),
            (502, "", "upstream_unavailable", True, None),
        ],
    )
    def test_every_documented_error(
        self,
        server: Loopback,
        client: ScrapeCreators,
        calls: list[Call],
        shared: Path,
        status: int,
        words: str,
        code: str,
        retryable: bool,
        charged: int | None,
    ) -> None:
        body = error_body(shared, status, words)
        server.answer(reply(status, body))
        error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.retryable, error.retry_after) == (code, retryable, None)
        assert f"HTTP {status}" in str(error)
        if isinstance(body, dict):
            assert body["message"][:200] in str(error)
        (call,) = calls
        assert call.http_status == status
        assert call.credits_charged == charged
        assert error.maybe_charged is (charged is None)
        assert isinstance(body, str) or call.credits_remaining == body.get("credits_remaining")

    @pytest.mark.parametrize("status", [429, 503])
    def test_the_wait_that_they_ask_for_is_kept(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call], status: int
    ) -> None:
        server.answer(reply(status, {"message": "slow"}, {"Retry-After": "17"}))
        assert refused(lambda: client.profile("a"), calls).retry_after == 17.0

    @pytest.mark.parametrize("status", [403, 404, 400, 301])
    def test_a_bare_page_says_nothing_about_the_account(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call], status: int
    ) -> None:
        server.answer(reply(status, "<html>nginx</html>", {"Location": "/x"}))
        error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.retryable) == ("upstream_unavailable", True)
        assert len(server.requests) == 1

    def test_an_error_told_under_200_is_an_error(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        server.answer(reply(200, {"success": False, "errorStatus": 404, "message": "gone"}))
        assert refused(lambda: client.profile("a"), calls).code == "not_found"
        server.answer(reply(200, {"success": False, "message": "hm"}))
        assert refused(lambda: client.profile("a"), calls).code == "upstream_unavailable"
        server.answer(reply(200, {"success": False, "errorStatus": 402, "message": "broke"}))
        assert refused(client.daily_usage, calls).code == "out_of_credits"

    @pytest.mark.parametrize(
        ("tiktok_code", "code", "retryable"),
        [
            (10221, "not_found", False),
            (2065, "not_found", False),
            (10222, "private", False),
            (2096, "private", False),
            (10216, "private", False),
            (10231, "region_locked", False),
            (10204, "unavailable", True),
            (8, "tiktok_error", True),
        ],
    )
    @pytest.mark.parametrize("spelling", ["status_code", "statusCode"])
    def test_tiktoks_own_codes_shine_through(
        self,
        server: Loopback,
        client: ScrapeCreators,
        calls: list[Call],
        tiktok_code: int,
        code: str,
        retryable: bool,
        spelling: str,
    ) -> None:
        body = {"success": True, "credits_charged": 1, spelling: tiktok_code, "status_msg": "Hm"}
        server.answer(reply(200, body | {"aweme_list": None, "aweme_detail": None}))
        asks = (
            lambda: client.profile("a"),
            lambda: client.profile_videos("a"),
            lambda: client.video(POST),
        )
        for ask in asks:
            error = refused(ask, calls)
            assert (error.code, error.retryable) == (code, retryable)
            assert str(tiktok_code) in str(error)
        assert [call.credits_charged for call in calls] == [1, 1, 1]

    def test_a_key_that_is_echoed_goes_no_further(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        server.answer(reply(401, {"success": False, "message": f"Bad key {KEY}!"}))
        assert "Bad key ***!" in str(refused(lambda: client.profile("a"), calls))

    @pytest.mark.parametrize("key", ["k", "p16-sign-va"])
    def test_links_that_happen_to_hold_the_key_stay_as_they_are(
        self, server: Loopback, shared: Path, key: str
    ) -> None:
        body = sample(shared, "profile_stoolpresidente.json")
        server.answer(reply(200, body))
        with ScrapeCreators(ScraperConfig(server.url, key)) as client:
            avatar = client.profile("stoolpresidente").profile.avatar
        assert avatar is not None
        assert key in avatar.urls[0]
        assert avatar.urls[0] == body["user"]["avatarLarger"]

    def test_a_key_that_no_header_can_carry_is_refused_unseen(self) -> None:
        for key in ("line\nbreak", "schlüssel"):
            with pytest.raises(ValueError, match="key") as caught:
                ScraperConfig("http://127.0.0.1", key)
            assert key not in str(caught.value)
        assert KEY not in repr(ScraperConfig("http://127.0.0.1", KEY))


class TestBrokenAnswers:
    @pytest.mark.parametrize(
        "body",
        ["", "{", "<html>", '{"a": "\\u12"}', "[" * 100_000, b"\xff\xfe\x00", '{"a": 1'],
    )
    def test_what_is_not_json_may_have_been_billed(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call], body: str | bytes
    ) -> None:
        server.answer(reply(200, body, {"Content-Type": "application/json"}))
        error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.retryable, error.maybe_charged) == (
            "malformed_answer",
            True,
            True,
        )
        assert (calls[0].http_status, calls[0].credits_charged) == (200, None)

    @pytest.mark.parametrize("body", [[], 1, None, "x", {"success": True, "credits_charged": 1}])
    def test_json_of_another_shape_is_said_to_be_so(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call], body: object
    ) -> None:
        server.answer(reply(200, json.dumps(body)))
        asks = (
            lambda: client.profile("a"),
            lambda: client.profile_videos("a"),
            lambda: client.video(POST),
            client.credit_balance,
        )
        for ask in asks:
            assert refused(ask, calls).code == "malformed_answer"
        if isinstance(body, dict):
            assert [call.credits_charged for call in calls[:3]] == [1, 1, 1]

    def test_another_post_than_the_one_asked_for_is_refused(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call], shared: Path
    ) -> None:
        server.answer(reply(200, sample(shared, "sc/v2_tiktok_video.sampleResponse.json")))
        url = "https://www.tiktok.com/@stoolpresidente/photo/7540000301621841183"
        assert refused(lambda: client.video(url), calls).code == "malformed_answer"

    def test_json_counts_whatever_it_calls_itself(
        self, server: Loopback, client: ScrapeCreators, shared: Path
    ) -> None:
        text = (shared / "samples/profile_stoolpresidente.json").read_text()
        for content_type in ("text/plain", "text/html", "application/octet-stream"):
            body = "\ufeff" + text
            server.answer(reply(200, body, {"Content-Type": content_type}))
            assert client.profile("a").profile.video_count == 2017

    def test_an_answer_that_breaks_off_may_have_been_billed(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        server.answer(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"success": true')
        error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.maybe_charged) == ("malformed_answer", True)
        assert error.retryable

    def test_an_oversized_answer_is_cut_off_and_not_asked_for_again(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        server.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 60000000\r\n\r\n{")
        error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.retryable) == ("malformed_answer", False)
        assert error.maybe_charged

    def test_a_timeout_may_have_been_billed(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        server.answer(5.0)
        error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.retryable, error.maybe_charged) == ("timeout", True, True)
        assert (calls[0].http_status, calls[0].credits_charged) == (None, None)
        assert 250 <= calls[0].duration_ms < 2000

    def test_a_dropped_connection_may_have_been_billed(
        self, server: Loopback, client: ScrapeCreators, calls: list[Call]
    ) -> None:
        server.answer()
        error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.retryable, error.maybe_charged) == (
            "connection_failed",
            True,
            True,
        )

    def test_a_connection_never_made_costs_nothing(self, calls: list[Call]) -> None:
        config = ScraperConfig(f"http://127.0.0.1:{unused_port()}", KEY, 0.3, on_call=calls.append)
        with ScrapeCreators(config) as client:
            error = refused(lambda: client.profile("a"), calls)
        assert (error.code, error.retryable, error.maybe_charged) == (
            "connection_failed",
            True,
            False,
        )
        assert calls[0].credits_charged == 0
        assert "SCRAPECREATORS_BASE_URL" in str(error)

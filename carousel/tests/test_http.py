"""The HTTP door: bounded in time and size, blind to the environment, silent about secrets."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from carousel.lib import http
from carousel.tests.loopback import Loopback, loopback, reply, unused_port

QUICK = http.Limits(connect=1.0, read=0.3, total=0.8, max_bytes=1000)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.fixture
def session() -> Iterator[http.Session]:
    with http.new_session(QUICK) as ours:
        yield ours


def failed(session: http.Session, url: str) -> http.TransportError:
    with pytest.raises(http.TransportError) as caught:
        http.get(session, url, params={"token": "hush"})
    assert "hush" not in str(caught.value)
    return caught.value


def test_an_answer_is_handed_over_whole_whatever_its_status(
    server: Loopback, session: http.Session
) -> None:
    server.answer(reply(418, "short and stout", {"Retry-After": "3"}))
    found = http.get(session, server.url + "/pot", params={"a": "b c"}, headers={"x-a": "1"})
    assert (found.status, found.body, found.headers["retry-after"]) == (
        418,
        b"short and stout",
        "3",
    )
    assert server.requests[0].query == {"a": "b c"}
    assert server.requests[0].headers["x-a"] == "1"
    assert server.requests[0].headers["user-agent"] == http.USER_AGENT


def test_a_compressed_body_is_unpacked_and_the_bound_counts_what_comes_out(
    server: Loopback, session: http.Session
) -> None:
    zipped = {"Content-Encoding": "gzip"}
    server.answer(reply(200, gzip.compress(b"x" * 900), zipped))
    assert http.get(session, server.url).body == b"x" * 900
    server.answer(reply(200, gzip.compress(b"x" * 1_000_000), zipped))
    assert failed(session, server.url).code == "answer_too_large"


def test_a_chunked_body_is_joined(server: Loopback, session: http.Session) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answer(head, b"3\r\nabc\r\n", 0.05, b"2\r\nde\r\n0\r\n\r\n")
    assert http.get(session, server.url).body == b"abcde"


@pytest.mark.parametrize(
    "pieces",
    [
        [reply(200, "x" * 1001)],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx"],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * 1001],
    ],
    ids=["honest", "announced", "unannounced"],
)
def test_too_large_a_body_is_refused(
    server: Loopback, session: http.Session, pieces: list[bytes]
) -> None:
    server.answer(*pieces)
    error = failed(session, server.url)
    assert (error.code, error.retryable, error.request_sent) == ("answer_too_large", False, True)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"],
        [reply(200, gzip.compress(b"x" * 500)[:20] + b"?" * 30, {"Content-Encoding": "gzip"})],
    ],
    ids=["length", "chunked", "no last chunk", "gzip"],
)
def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(
    server: Loopback, session: http.Session, pieces: list[bytes]
) -> None:
    server.answer(*pieces)
    error = failed(session, server.url)
    assert (error.code, error.retryable, error.request_sent) == ("answer_truncated", True, True)


def test_silence_ends_in_a_timeout(server: Loopback, session: http.Session) -> None:
    server.answer(5.0)
    began = time.monotonic()
    error = failed(session, server.url)
    assert (error.code, error.retryable, error.request_sent) == ("timeout", True, True)
    assert time.monotonic() - began < 1.0


def test_a_trickle_cannot_hold_a_worker(server: Loopback, session: http.Session) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
    server.answer(head, *[piece for _ in range(60) for piece in (b"x", 0.1)])
    began = time.monotonic()
    assert failed(session, server.url).code == "timeout"
    assert time.monotonic() - began < 2.0


def test_a_connection_dropped_without_an_answer_may_have_been_heard(
    server: Loopback, session: http.Session
) -> None:
    server.answer()
    error = failed(session, server.url)
    assert (error.code, error.request_sent) == ("connection_failed", True)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "nowhere.invalid", "127.0.0.1:99999"])
def test_a_connection_never_made_was_never_heard(session: http.Session, host: str) -> None:
    error = failed(session, f"http://{host.format(port=unused_port())}/x")
    assert (error.code, error.request_sent) == ("connection_failed", False)


def test_a_redirect_is_not_followed(server: Loopback, session: http.Session) -> None:
    server.answer(reply(302, "", {"Location": server.url + "/elsewhere"}))
    found = http.get(session, server.url + "/here", headers={"x-api-key": "hush"})
    assert found.status == 302
    assert [request.path for request in server.requests] == ["/here"]


def test_the_environment_and_cookies_change_nothing(
    server: Loopback, session: http.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    server.answer(reply(200, "ok", {"Set-Cookie": "a=b; Path=/"}))
    assert http.get(session, server.url).body == b"ok"
    http.get(session, server.url)
    assert "cookie" not in server.requests[1].headers


def test_a_call_without_a_timeout_gets_the_sessions(
    server: Loopback, session: http.Session
) -> None:
    server.answer(5.0)
    with pytest.raises(Exception, match="timed out"):
        session.get(server.url)


NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 10:00:30 -0000", 30.0),
        ("99999999", http.MAX_RETRY_AFTER),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert http.retry_after(header, now=NOW) == seconds


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "bad_request", False),
        (401, "unauthorized", False),
        (402, "out_of_credits", False),
        (403, "forbidden", False),
        (404, "not_found", False),
        (410, "gone", False),
        (418, "bad_request", False),
        (429, "rate_limited", True),
        (302, "upstream_unavailable", True),
        (500, "upstream_unavailable", True),
        (503, "upstream_unavailable", True),
    ],
)
def test_every_status_has_a_word(status: int, code: str, retryable: bool) -> None:
    assert http.status_code(status) == code
    error = http.status_error(status, "It says no.", retry_after=7.0)
    assert (str(error), error.code, error.retryable) == ("It says no.", code, retryable)
    assert error.retry_after == 7.0

"""What a download promises: the exact URL, the whole body or an error, and never more."""

from __future__ import annotations

import hashlib
import io
import resource
import threading
import time
from typing import Any

import pytest

from media_cache.download import (
    Downloader,
    DownloadError,
    DownloadPolicy,
)
from media_cache.tests.origin import Origin, answer

BODY = bytes(range(256)) * 1000
QUERY = "?x-signature=aB%2Fc%2bd%3D&x-expires=1&a=~b'(c)*!;,|&empty=&t=%E4%b8%AD"


def downloader(**bounds: float) -> Downloader:
    policy = DownloadPolicy(allowed_hosts=("127.0.0.1",), allow_loopback=True, **bounds)  # type: ignore[arg-type]
    return Downloader(policy)


def failure(origin: Origin, parts: list[bytes | float | None], **bounds: float) -> DownloadError:
    origin.answers["/a"] = parts
    fetcher = downloader(**bounds)
    try:
        with pytest.raises(DownloadError) as caught:
            fetcher.fetch(f"{origin.url}/a", io.BytesIO())
    finally:
        fetcher.close()
    return caught.value


def test_a_body_is_stored_hashed_and_described() -> None:
    with Origin() as origin:
        head = "Content-Type: Image/HEIC; q=1\r\n"
        origin.answers["/a"] = [answer(BODY, headers=head)]
        file = io.BytesIO(b"left from the last try" * 100_000)
        result = downloader().fetch(f"{origin.url}/a", file, expected_size=len(BODY))
    assert file.getvalue() == BODY
    assert result.sha256 == hashlib.sha256(BODY).hexdigest()
    assert (result.size, result.content_type_header) == (len(BODY), "image/heic")
    assert result.head == BODY[:4096]
    assert result.final_url == f"{origin.url}/a"


def test_the_request_target_is_sent_byte_for_byte() -> None:
    target = f"/tos-x/a%2F%2Bb~tplv:1080:0:q75.jpeg{QUERY}"
    with Origin() as origin:
        origin.answers[target] = [answer(b"1")]
        origin.answers["/go"] = [answer(status="302 Found", headers=f"Location: {target}\r\n")]
        fetcher = downloader()
        for url in (f"{origin.url}{target}#part", f"{origin.url}/go"):
            assert fetcher.fetch(url, io.BytesIO()).size == 1
        fetcher.close()
        lines = [request.partition("\r\n")[0] for request in origin.requests]
    assert lines == [f"GET {target} HTTP/1.1", "GET /go HTTP/1.1", f"GET {target} HTTP/1.1"]


def test_a_request_looks_like_a_browser_on_tiktok() -> None:
    with Origin() as origin:
        origin.answers["/a"] = [answer(b"1")]
        downloader().fetch(f"{origin.url}/a", io.BytesIO())
        head = origin.requests[0]
    assert "User-Agent: Mozilla/5.0" in head
    assert "Referer: https://www.tiktok.com/\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    assert head.count("Host:") == 1


def test_a_body_shorter_than_its_source_promised_is_truncated() -> None:
    with Origin() as origin:
        origin.answers["/a"] = [answer(BODY)]
        with pytest.raises(DownloadError) as caught:
            downloader().fetch(f"{origin.url}/a", io.BytesIO(), expected_size=len(BODY) + 1)
    assert caught.value.code == "truncated"


def test_bodies_without_a_length_are_read_to_their_end() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    with Origin() as origin:
        origin.answers["/chunked"] = [chunked]
        origin.answers["/close"] = [b"HTTP/1.1 200 OK\r\n\r\nabcde", None]
        for path in ("/chunked", "/close"):
            file = io.BytesIO()
            downloader().fetch(f"{origin.url}{path}", file)
            assert file.getvalue() == b"abcde"


@pytest.mark.parametrize("length", [None, len(BODY)])
def test_a_body_over_the_limit_stops_early(length: int | None) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: %d\r\n" % length if length else b"")
    with Origin() as origin:
        error = failure(origin, [head + b"\r\n" + BODY, None], max_bytes=1000)
    assert (error.code, error.retryable) == ("too_large", False)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nX-Pad: ", answer(length=10**6)])
def test_a_server_that_drips_is_cut_off(before: bytes) -> None:
    drip: list[bytes | float | None] = [before]
    for _ in range(40):
        drip += [b"a", 0.05]
    with Origin() as origin:
        started = time.monotonic()
        error = failure(origin, drip if before else [1.0], read_timeout=0.3, total_timeout=0.5)
        assert time.monotonic() - started < 2.5
    assert error.code == "timeout"


def test_a_closed_port_is_a_failed_connection() -> None:
    with Origin() as origin:
        url = f"{origin.url}/a"
    with pytest.raises(DownloadError) as caught:
        downloader().fetch(url, io.BytesIO())
    assert caught.value.code == "connection_failed"


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    policy = DownloadPolicy(allowed_hosts=("two.test",), allow_loopback=True)
    fetcher = Downloader(policy, resolve=lambda *_: ["::1", "127.0.0.1"])
    with Origin() as origin:
        origin.answers["/a"] = [answer(b"1")]
        assert fetcher.fetch(f"http://two.test:{origin.port}/a", io.BytesIO()).size == 1


def test_redirects_are_counted() -> None:
    with Origin() as origin:
        for number in range(6):
            location = f"Location: /{number + 1}\r\n"
            origin.answers[f"/{number}"] = [answer(status="302 Found", headers=location)]
        origin.answers["/6"] = [answer(b"end")]
        assert downloader().fetch(f"{origin.url}/3", io.BytesIO()).final_url == f"{origin.url}/6"
        with pytest.raises(DownloadError) as caught:
            downloader().fetch(f"{origin.url}/2", io.BytesIO())
    assert caught.value.code == "too_many_redirects"


def test_a_connection_is_kept_for_the_next_download() -> None:
    with Origin() as origin:
        origin.answers["/a"] = [answer(BODY)]
        fetcher = downloader()
        fetcher.fetch(f"{origin.url}/a", io.BytesIO())
        with pytest.raises(DownloadError, match="404"):
            fetcher.fetch(f"{origin.url}/missing", io.BytesIO())
        fetcher.fetch(f"{origin.url}/a", io.BytesIO())
        assert origin.connections == 1
        fetcher.close()


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    with Origin() as origin:
        origin.answers["/a"] = [answer(b"12"), None]
        fetcher = downloader()
        for _ in range(3):
            assert fetcher.fetch(f"{origin.url}/a", io.BytesIO()).size == 2
        assert origin.connections == 3


def test_bytes_nobody_asked_for_do_not_reach_the_next_download() -> None:
    with Origin() as origin:
        origin.answers["/a"] = [answer(b"12") + answer(b"smuggled")]
        fetcher = downloader()
        for _ in range(2):
            file = io.BytesIO()
            fetcher.fetch(f"{origin.url}/a", file)
            assert file.getvalue() == b"12"
        fetcher.close()


def test_many_threads_share_one_downloader() -> None:
    with Origin() as origin:
        for number in range(8):
            origin.answers[f"/{number}"] = [0.01, answer(BODY[number:])]
        fetcher, wrong = downloader(), []

        def work(number: int) -> None:
            for _ in range(5):
                file = io.BytesIO()
                fetcher.fetch(f"{origin.url}/{number}", file)
                if file.getvalue() != BODY[number:]:
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        fetcher.close()
        assert not wrong
        assert origin.connections <= 8


def test_a_full_disk_is_not_blamed_on_the_server() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with Origin() as origin:
        origin.answers["/a"] = [answer(BODY)]
        with pytest.raises(OSError, match="No space left"):
            downloader().fetch(f"{origin.url}/a", Full())


def test_a_large_body_does_not_grow_the_process() -> None:
    class Nowhere(io.BytesIO):
        def write(self, data: Any) -> int:
            return len(data)

    megabytes = 256
    with Origin() as origin:
        head = answer(length=megabytes * 2**20)
        origin.answers["/large"] = [head, *([bytes(2**20)] * megabytes)]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = downloader().fetch(f"{origin.url}/large", Nowhere())
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert result.size == megabytes * 2**20
    assert grown < 32 * 1024

"""Every way in which a download fails has a code, and no error opens the link."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime

import pytest

from media_cache.download import (
    Downloader,
    DownloadError,
    DownloadPolicy,
    parse_retry_after,
    printable,
)
from media_cache.tests.origin import Origin, answer

BODY = bytes(range(256)) * 1000


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


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        ("403 Forbidden", "link_dead", True),
        ("410 Gone", "link_dead", True),
        ("404 Not Found", "not_found", False),
        ("429 Too Many", "rate_limited", True),
        ("500 Oops", "upstream_error", True),
        ("503 Busy", "upstream_error", True),
        ("408 Slow", "timeout", True),
        ("401 Who", "unexpected_status", False),
        ("206 Partial Content", "unexpected_status", False),
        ("204 No Content", "unexpected_status", False),
        ("302 Found", "unexpected_status", False),
    ],
)
def test_each_status_has_its_code(status: str, code: str, retryable: bool) -> None:
    with Origin() as origin:
        error = failure(origin, [answer(b"<html>", status=status, headers="Retry-After: 7\r\n")])
    assert (error.code, error.retryable) == (code, retryable)
    assert error.link_dead is (code == "link_dead")
    waits = code in ("rate_limited", "upstream_error", "timeout")
    assert error.retry_after == (7.0 if waits else None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 10:01:40 GMT", 100.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("999999999999999", 86400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, datetime(2026, 11, 22, 10, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([answer(BODY[:-1], length=len(BODY)), None], "truncated"),
        ([answer(b"", length=5), None], "empty"),
        ([answer(b"")], "empty"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", None], "truncated"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", None], "truncated"),
        ([None], "connection_failed"),
        ([b"220 ftp ready\r\n", None], "connection_failed"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, None], "connection_failed"),
        ([answer(gzip.compress(BODY), headers="Content-Encoding: gzip\r\n")],
         "unexpected_encoding"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", None],
         "unexpected_encoding"),
    ],
)  # fmt: skip
def test_a_broken_exchange_is_never_a_success(parts: list[bytes | float | None], code: str) -> None:
    with Origin() as origin:
        error = failure(origin, parts)
    assert (error.code, error.retryable) == (code, True)


def test_errors_never_carry_what_opens_the_link() -> None:
    secret = "0123456789abcdef" * 2 + "/67afaf05/video/tos/x/?sig=topsecret"
    with Origin() as origin, pytest.raises(DownloadError) as caught:
        downloader().fetch(f"{origin.url}/{secret}", io.BytesIO())
    message = str(caught.value)
    assert "404" in message
    assert "/video/tos/x/" in message
    assert "topsecret" not in message
    assert "0123456789abcdef" not in message
    assert "pass" not in printable("https://user:pass@host/a")
    assert printable("https://host/a\nb?c") == "https://host/a\\nb"
    signed = f"https://host/{'0a' * 16}/6b0c5f8e/video/tos/1?a=1"
    assert printable(signed) == "https://host/…/video/tos/1"

"""Files behind signed links."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from media_cache.storage import LocalMedia, media_storage

BODY = bytes(range(256)) * 4


def link_to(key: str, body: bytes = BODY) -> str:
    storage = media_storage()
    assert isinstance(storage, LocalMedia)
    path = Path(storage.path(key))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return storage.links([key]).urls[key]


def whole(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_picture_is_shown_and_never_sniffed(client: Client) -> None:
    answer = client.get(link_to("ab/one.jpg"))
    assert (answer.status_code, whole(answer)) == (200, BODY)
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"] == 'inline; filename="one.jpg"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"].startswith("private")
    assert answer["Content-Length"] == str(len(BODY))


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xml", "x.js", "x.pdf", "x", "x.JPG.htm"])
def test_what_a_browser_could_run_is_a_download_without_a_type(client: Client, name: str) -> None:
    answer = client.get(link_to(f"ab/{name}", b"<script>alert(1)</script>"))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_link_that_was_tampered_with_or_has_ended_is_403(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_to("ab/one.jpg")
    link_to("ab/two.jpg")
    expires = int(re.findall(r"expires=(\d+)", link)[0])
    for bad in (
        link.replace("one.jpg", "two.jpg"),
        link.replace(f"expires={expires}", f"expires={expires + 1}"),
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        link.partition("?")[0],
        link.partition("&")[0],
        link.replace("signature=", "signature=%00"),
        link.replace("signature=", "signature=é"),
        link.replace("expires=", "expires=-"),
        link.replace("expires=", "expires=" + "9" * 400),
        link.replace("expires=", "expires=٣"),
        "/media/../settings.py",
        "/media/%2e%2e/%2e%2e/etc/passwd?expires=9999999999&signature=x",
        "/media/%00",
    ):
        answer = client.get(bad)
        assert answer.status_code == 403, bad
        assert answer.json()["code"] == "link_expired"
    monkeypatch.setattr(time, "time", lambda: time.monotonic() + 10**10)
    assert client.get(link).status_code == 403


def test_a_file_that_is_gone_is_404(client: Client) -> None:
    link = link_to("ab/gone.jpg")
    storage = media_storage()
    storage.delete("ab/gone.jpg")
    assert client.get(link).json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-9", 206, BODY[:10], "bytes 0-9/1024"),
        ("bytes=1000-", 206, BODY[1000:], "bytes 1000-1023/1024"),
        ("bytes=1000-99999", 206, BODY[1000:], "bytes 1000-1023/1024"),
        ("bytes=-4", 206, BODY[-4:], "bytes 1020-1023/1024"),
        ("bytes=0-", 200, BODY, None),
        ("bytes=0-0,5-6", 200, BODY, None),
        ("bytes=-", 200, BODY, None),
        ("lines=1-2", 200, BODY, None),
        ("nonsense", 200, BODY, None),
    ],
)
def test_a_video_can_be_read_from_the_middle(
    client: Client, asked: str, status: int, body: bytes, content_range: str | None
) -> None:
    answer = client.get(link_to("ab/film.mp4"), headers={"Range": asked})
    assert (answer.status_code, whole(answer)) == (status, body)
    assert answer.get("Content-Range") == content_range
    assert answer["Content-Length"] == str(len(body))
    assert answer["Content-Type"] == "video/mp4"


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5-2", "bytes=-0"])
def test_a_range_outside_of_the_file_is_416(client: Client, asked: str) -> None:
    answer = client.get(link_to("ab/film.mp4"), headers={"Range": asked})
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */1024")


def test_what_the_browser_has_is_not_sent_again(client: Client) -> None:
    link = link_to("ab/one.jpg")
    etag = client.get(link)["ETag"]
    again = client.get(link, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    changed = client.get(link, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (changed.status_code, whole(changed)) == (200, BODY)


def test_heads_are_answered_and_nothing_else_is(client: Client) -> None:
    link = link_to("ab/one.jpg")
    answer = client.head(link)
    assert (answer.status_code, answer["Content-Length"]) == (200, "1024")
    assert client.post(link).status_code == 405
    empty = client.get(link_to("ab/empty.jpg", b""))
    assert (empty.status_code, whole(empty)) == (200, b"")

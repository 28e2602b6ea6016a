"""Large uploads, and what a storage tells about what it holds, be it a bucket or files."""

from __future__ import annotations

import hashlib
import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carousel.lib.errors import NotNow
from carousel.tests import seaweed
from media_cache.storage import MULTIPART_ABOVE, MediaStorage, media_storage, scratch_folder
from media_cache.storage.parts import PART_BYTES, parts_of

LARGE = b"0123456789abcdef" * ((MULTIPART_ABOVE + 4096) // 16)
LATER = timedelta(minutes=1)


@pytest.fixture
def storage(either_storage: MediaStorage) -> MediaStorage:
    """Each test is run on both."""
    return either_storage


def a_file(content: bytes) -> Path:
    path = scratch_folder() / "a-file"
    path.write_bytes(content)
    return path


def put(key: str, content: bytes, *, claimed: bytes | None = None) -> None:
    sha256 = hashlib.sha256(content if claimed is None else claimed).hexdigest()
    path = a_file(content)
    try:
        media_storage().put(key, path, "video/mp4", sha256)
    finally:
        path.unlink(missing_ok=True)


def test_objects_are_listed_in_the_order_of_their_bytes(storage: MediaStorage) -> None:
    keys = ["b/a.jpg", "a/c.jpg", "a/b.jpg", "a0.jpg", "ab/x.jpg", "a/b.webp", "Z.jpg"]
    for key in keys:
        put(key, key.encode())
    listed = list(storage.listing())
    assert [found.key for found in listed] == sorted(keys, key=str.encode)
    assert {found.size for found in listed} == {len(key) for key in keys}
    age = datetime.now(UTC) - listed[0].modified
    assert -LATER < age < LATER
    assert storage.stat("a/b.jpg") == next(found for found in listed if found.key == "a/b.jpg")


def test_objects_are_removed_many_at_once_and_absent_ones_are_no_error(
    storage: MediaStorage,
) -> None:
    for number in range(5):
        put(f"k{number}", b"x")
    storage.remove([f"k{number}" for number in range(1, 9)])
    assert [found.key for found in storage.listing()] == ["k0"]
    assert storage.stat("k1") is None


def test_an_object_is_read_in_pieces(storage: MediaStorage) -> None:
    put("large", LARGE)
    pieces = list(storage.chunks("large"))
    assert b"".join(pieces) == LARGE
    assert max(map(len, pieces)) <= 1024**2
    with pytest.raises(FileNotFoundError):
        next(storage.chunks("absent"))


def test_uploads_that_never_ended_are_found_and_cleared_away(
    storage: MediaStorage, request: pytest.FixtureRequest
) -> None:
    if "s3" in request.fixturenames:
        client = seaweed.client(request.getfixturevalue("s3"))
        client.create_multipart_upload(Bucket="media", Key="begun")
    else:
        (scratch_folder() / "tmp-of-a-dead-worker").mkdir()
        (scratch_folder() / "tmp-of-a-dead-worker" / "download").write_bytes(b"half")
    soon = datetime.now(UTC) + LATER
    assert storage.leftovers(soon - 2 * LATER, remove=True) == 0
    assert storage.leftovers(soon, remove=False) >= 1
    assert storage.leftovers(soon, remove=True) >= 1
    assert storage.leftovers(soon, remove=False) == 0


def test_a_part_of_a_file_can_be_sent_again_from_its_start(tmp_path: Path) -> None:
    content = bytes(range(256)) * (2 * PART_BYTES // 256) + b"tail"
    whole, seen = hashlib.sha256(), []
    path = tmp_path / "large"
    path.write_bytes(content)
    for part in parts_of(path):
        assert part.digest(whole)
        seen.append(part.read())
        part.seek(-4, 2)
        assert part.read(100) == seen[-1][-4:]
        part.seek(0)
        assert part.read(7) == seen[-1][:7]
    assert [len(piece) for piece in seen] == [PART_BYTES, PART_BYTES, 4]
    assert b"".join(seen) == content
    assert whole.hexdigest() == hashlib.sha256(content).hexdigest()


class Between(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the S3 server and may lose what that answered."""

    protocol_version = "HTTP/1.1"
    upstream: str
    seen: list[str]
    lose: str = ""

    def forward(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
        asked = urllib.request.Request(
            self.upstream + self.path,
            self.rfile.read(length) or None,
            headers,
            method=self.command,
        )
        self.seen.append(f"{self.command} {self.path.partition('?')[2]}")
        try:
            answer = urllib.request.urlopen(asked, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        body = answer.read()
        if self.lose and self.lose in self.seen[-1]:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.headers.get("Content-Length") or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward

    def log_message(self, *args: object) -> None:
        """Silence."""


@pytest.fixture
def between(s3: dict[str, str], settings: Any) -> Iterator[type[Between]]:
    """The storage reaches its server through somebody who may lose answers.

    The signature covers the Host header, which is passed on, so the server checks it as always.
    """
    from carousel.settings import s3_storage

    class Handler(Between):
        upstream = s3["R2_ENDPOINT_URL"]
        seen: list[str] = []

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        proxied = {**s3, "R2_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
        settings.STORAGES = {**settings.STORAGES, "media": s3_storage(proxied)}
        yield Handler
        server.shutdown()
        thread.join()


def test_an_upload_that_succeeded_unheard_is_found_and_not_sent_again(
    between: type[Between], s3: dict[str, str]
) -> None:
    between.lose = "POST uploadId="  # the call that completes it is done, its answer never comes
    put("unheard.mp4", LARGE)
    head = seaweed.client(s3).head_object(Bucket="media", Key="unheard.mp4")
    assert head["ContentLength"] == len(LARGE)
    assert not [line for line in between.seen if line.startswith("DELETE")]
    between.seen.clear()
    put("unheard.mp4", LARGE)
    assert between.seen == ["HEAD "]


def test_a_large_upload_that_was_changed_on_the_way_leaves_nothing_behind(
    s3: dict[str, str],
) -> None:
    with pytest.raises(NotNow, match="changed"):
        put("changed.mp4", LARGE, claimed=b"other")
    client = seaweed.client(s3)
    assert media_storage().stat("changed.mp4") is None
    uploads = client.list_multipart_uploads(Bucket="media").get("Uploads", ())
    assert [found["Key"] for found in uploads if found["Key"] == "changed.mp4"] == []


def test_an_answer_that_was_lost_once_is_asked_for_again(
    between: type[Between], s3: dict[str, str]
) -> None:
    lost: list[str] = []

    def lose_first(self: Between) -> None:
        self.lose = "" if lost or self.command != "PUT" else "PUT"
        lost.extend([self.path] if self.lose else [])
        Between.forward(self)

    between.do_PUT = lose_first
    put("small.jpg", b"a small file")
    assert len([line for line in between.seen if line.startswith("PUT")]) == 2
    assert b"".join(media_storage().chunks("small.jpg")) == b"a small file"

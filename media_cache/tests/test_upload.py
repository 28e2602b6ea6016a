"""Uploads against a server that answers, refuses, stumbles and hangs up on demand."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from carousel.tests import seaweed
from carousel.tests.loopback import loopback, reply, unused_port
from media_cache.presign import Bucket
from media_cache.storage.upload import Uploader, UploadRefused

CONTENT = bytes(range(256)) * 2000  # more than is sent at once
HEADERS = {"Content-Type": "image/jpeg", "Cache-Control": "private, max-age=3"}
REFUSAL = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


class Sink:
    """An S3 service that believes everything: keeps bodies, answers ``statuses`` in turn (then
    200), and hangs up after an answer while ``hangs_up``."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.statuses: list[int] = []
        self.asked = 0
        self.connections = 0
        self.hangs_up = False
        self.url = ""


@contextmanager
def sink() -> Iterator[Sink]:
    state = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_PUT(self) -> None:
            state.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = state.statuses.pop(0) if state.statuses else 200
            if status == 200:
                state.bodies[self.path] = body
            self.send_response(status)
            said = b"" if status == 200 else REFUSAL
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
            self.close_connection = state.hangs_up

        def log_message(self, *args: object) -> None:
            """Nothing to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def put(uploader: Uploader, folder: Path, key: str = "ab/c", content: bytes = CONTENT) -> None:
    path = folder / "file"
    path.write_bytes(content)
    uploader.put(key, path, hashlib.sha256(content).hexdigest(), HEADERS)


@contextmanager
def uploader_to(url: str) -> Iterator[Uploader]:
    uploader = Uploader(Bucket(url, "media", "access", "secret"))
    yield uploader
    uploader.close()


def test_one_connection_carries_many_objects(tmp_path: Path) -> None:
    with sink() as server, uploader_to(server.url) as uploader:
        for number in range(5):
            put(uploader, tmp_path, f"n/{number}")
        put(uploader, tmp_path, "empty", b"")
    assert server.bodies == {f"/media/n/{n}": CONTENT for n in range(5)} | {"/media/empty": b""}
    assert server.connections == 1


def test_a_connection_that_the_server_closed_is_not_used_again(tmp_path: Path) -> None:
    with sink() as server, uploader_to(server.url) as uploader:
        server.hangs_up = True  # without a word about it in the answer
        for number in range(3):
            put(uploader, tmp_path, f"n/{number}")
    assert len(server.bodies) == 3


def test_a_service_that_stumbles_is_asked_again(tmp_path: Path) -> None:
    with sink() as server, uploader_to(server.url) as uploader:
        server.statuses = [503, 500]
        put(uploader, tmp_path)
    assert server.asked == 3
    assert server.bodies["/media/ab/c"] == CONTENT


def test_a_refusal_is_said_in_the_services_words_and_not_repeated(tmp_path: Path) -> None:
    with sink() as server, uploader_to(server.url) as uploader:
        server.statuses = [403]
        with pytest.raises(UploadRefused, match="403 AccessDenied"):
            put(uploader, tmp_path)
    assert server.asked == 1


def test_who_refuses_before_reading_everything_is_heard(tmp_path: Path) -> None:
    with loopback() as server, uploader_to(server.url) as uploader:
        server.script = lambda request: [reply(403, REFUSAL), 0.3]
        with pytest.raises(UploadRefused, match="403 AccessDenied"):
            put(uploader, tmp_path, content=CONTENT * 20)


def test_nobody_there_is_an_error_after_three_tries(tmp_path: Path) -> None:
    with (
        uploader_to(f"http://127.0.0.1:{unused_port()}") as uploader,
        pytest.raises((OSError, http.client.HTTPException)),
    ):
        put(uploader, tmp_path)


def test_a_real_server_believes_the_signature_and_keeps_the_checksum(
    s3_server: dict[str, str], tmp_path: Path
) -> None:
    where = Bucket(
        s3_server["R2_ENDPOINT_URL"],
        s3_server["R2_BUCKET_NAME"],
        s3_server["R2_ACCESS_KEY_ID"],
        s3_server["R2_SECRET_ACCESS_KEY"],
    )
    uploader = Uploader(where)
    for key in ("plain", "with space/+&=?#~%41", "ü/日本"):
        put(uploader, tmp_path, key)
        found = seaweed.client(s3_server).get_object(Bucket=where.name, Key=key)
        assert found["Body"].read() == CONTENT
        assert found["ContentType"] == "image/jpeg"
        assert found["CacheControl"] == "private, max-age=3"
    uploader.close()


def test_a_real_server_refuses_other_bytes_and_other_secrets(
    s3_server: dict[str, str], tmp_path: Path
) -> None:
    url, name = s3_server["R2_ENDPOINT_URL"], s3_server["R2_BUCKET_NAME"]
    access, secret = s3_server["R2_ACCESS_KEY_ID"], s3_server["R2_SECRET_ACCESS_KEY"]
    good, forged = (
        Uploader(Bucket(url, name, access, secret)),
        Uploader(Bucket(url, name, access, "x")),
    )
    path = tmp_path / "file"
    path.write_bytes(b"changed")
    with pytest.raises(UploadRefused):
        good.put("k", path, hashlib.sha256(b"original").hexdigest(), HEADERS)
    with pytest.raises(UploadRefused, match="SignatureDoesNotMatch"):
        put(forged, tmp_path)
    good.close()
    forged.close()

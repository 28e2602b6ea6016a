"""Signed uploads of small objects, over connections that are kept.

An object is put for a quarter of a millisecond of CPU beside its bytes. A client library takes ten
times that, which is more than everything else that is done with a slide that needs no conversion.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import random
import re
import select
import ssl
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from media_cache.presign import Bucket, signed_headers

_TRIES = 3
_PAUSE = 0.2  # seconds before the second try; doubled before the third
_PASSING = frozenset((408, 429, 500, 502, 503, 504))
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0
_BLOCK = 256 * 1024
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")


class UploadRefused(Exception):
    """The service did not take an object; the message says what it said instead."""


class Uploader:
    """Puts objects into one bucket. Thread-safe, and safe after a fork: a child never speaks on
    its parent's connections."""

    def __init__(self, bucket: Bucket, *, keep: int = 32) -> None:
        """``keep`` is how many idle connections are kept."""
        self._bucket = bucket
        self._keep = keep
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def put(self, key: str, path: Path, sha256: str, headers: Mapping[str, str]) -> None:
        """Put the file under ``key``; ``sha256`` (hexadecimal) is checked by the service.

        Tried three times where that can help: putting the same bytes again is harmless. Raises
        UploadRefused, or OSError or HTTPException where the service could not be asked.
        """
        for left in reversed(range(_TRIES)):
            try:
                status, why = self._exchange(key, path, sha256, headers)
            except (OSError, http.client.HTTPException):
                if left == 0:
                    raise
            else:
                if status == 200:
                    return
                if left == 0 or status not in _PASSING:
                    raise UploadRefused(why)
            time.sleep(_PAUSE * 2 ** (_TRIES - 1 - left) * random.uniform(0.75, 1.25))

    def close(self) -> None:
        """Hang up idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(
        self, key: str, path: Path, sha256: str, headers: Mapping[str, str]
    ) -> tuple[int, str]:
        """One request: the answer's status, and in words what it says if it is no success."""
        target = self._bucket.path(key)
        size = path.stat().st_size
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        signed = signed_headers(
            self._bucket,
            "PUT",
            target,
            {**headers, "Content-Length": str(size), "X-Amz-Checksum-SHA256": checksum},
            sha256=sha256,
            now=time.time(),
        )
        connection = self._take()
        try:
            with path.open("rb") as body:
                # One block is sent as bytes: asking a file for its end costs a call for nothing.
                whole = body.read() if size <= _BLOCK else body
                # Who refuses an upload may say so and hang up before it has read all of it.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.request("PUT", target, whole, signed)
                answer = connection.getresponse()
            said = answer.read(_BLOCK)
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._give_back(connection)
        code = _CODE.search(said)
        return answer.status, f"{answer.status} {code[1].decode() if code else answer.reason}"

    def _take(self) -> http.client.HTTPConnection:
        """An idle connection that still looks alive, else a new one."""
        while (connection := self._pop()) is not None:
            if _is_quiet(connection):
                return connection
            connection.close()
        parts = urlsplit(self._bucket.endpoint_url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, port, timeout=_CONNECT_SECONDS, blocksize=_BLOCK, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(
                host, port, timeout=_CONNECT_SECONDS, blocksize=_BLOCK
            )
        connection.connect()
        connection.sock.settimeout(_READ_SECONDS)
        return connection

    def _pop(self) -> http.client.HTTPConnection | None:
        with self._lock:
            if self._owner != os.getpid():
                self._idle, self._owner = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < self._keep:
                self._idle.append(connection)
                return
        connection.close()


def _is_quiet(connection: http.client.HTTPConnection) -> bool:
    """Nothing to read on an idle connection: neither its end nor bytes nobody asked for."""
    with contextlib.suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(connection.sock, select.POLLIN)
        return not poll.poll(0)
    return False

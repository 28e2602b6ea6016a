"""A decoder in a process of its own, whose death is an error and not an accident.

A plain ``subprocess`` and not ``multiprocessing``: the children of a Celery worker are daemons and
may not have children of that kind.
"""

from __future__ import annotations

import base64
import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media_cache.convert.errors import MediaRejected
from media_cache.decoder import protocol

_ROOT = Path(__file__).resolve().parents[2]
# Nothing of our own environment: there are secrets in it. glibc is told to keep what a slide took
# for the next one instead of giving it back to the kernel each time: that alone saves 10 of the
# 80 ms of CPU which a HEIC of 1080 x 1440 costs. Blocks over 32 MB still go back at once.
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "PYTHONPATH": str(_ROOT),
    "PYTHONNOUSERSITE": "1",
}
_TYPES = frozenset(("image/jpeg", "image/png", "image/apng", "image/webp", "image/gif"))
_PARTING = 2.0


@dataclass(frozen=True)
class DecodeLimits:
    """What a picture may cost. ``seconds`` of wall clock per file; sizes in bytes.

    ``quality`` (1 to 95), ``progressive`` and ``optimize`` are JPEG's; the latter two save about
    a tenth of the size and cost four times the encoding. ``memory_bytes`` is address space; a HEIC
    of 50 million pixels needs 500 MB of it. ``jobs_per_process`` bounds what a process can lose to
    leaks and fragmentation.
    """

    seconds: float = 20.0
    memory_bytes: int = 768 * 1024 * 1024
    max_file_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 50_000_000
    quality: int = 92
    progressive: bool = False
    optimize: bool = False
    jobs_per_process: int = 2000


@dataclass(frozen=True)
class Picture:
    """A picture that may be stored. ``width`` and ``height`` are those of the upright picture.

    ``rewritten``: the file to store is ``path_out``, and ``byte_size`` and ``sha256`` are its own;
    otherwise the file stays as it was downloaded, and they are None. ``converted``: the pixels
    were encoded anew (another format, another orientation); otherwise at most metadata went.
    ``luma`` is the grey square that was asked for, row by row.
    """

    content_type: str
    width: int
    height: int
    rewritten: bool
    converted: bool
    animated: bool
    byte_size: int | None
    sha256: str | None
    luma: bytes


class Decoder:
    """One decoder process, started at first use and again after it died. Thread-safe: one file
    at a time. After a fork, the child starts a process of its own."""

    def __init__(self, limits: DecodeLimits | None = None) -> None:
        self.limits = limits or DecodeLimits()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._jobs = 0

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that is running now, if one is."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the process now, so that the first file needn't wait for it."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the process. The decoder can be used again."""
        with self._lock:
            self._stop()

    def process(self, path_in: Path, path_out: Path, mime: str, *, thumbnail: int = 0) -> Picture:
        """Check the picture in ``path_in``; where it has to change, write ``path_out``.

        HEIC, HEIF and AVIF become JPEG; JPEG, PNG, WebP and GIF lose their metadata and whatever
        trails behind their end, and are otherwise kept byte for byte unless an orientation has
        to be applied or a JPEG is CMYK. ``thumbnail`` is the side in pixels of ``Picture.luma``.
        Raises ``MediaRejected``.
        """
        size = path_in.stat().st_size
        if size > self.limits.max_file_bytes:
            limit = self.limits.max_file_bytes
            raise MediaRejected("too_large", f"a picture of {size} bytes is over {limit}")
        job = {
            "source": os.path.abspath(path_in),
            "target": os.path.abspath(path_out),
            "mime": mime,
            "thumbnail": thumbnail,
            "timeout": self.limits.seconds,
            "max_pixels": self.limits.max_pixels,
            "quality": self.limits.quality,
            "progressive": self.limits.progressive,
            "optimize": self.limits.optimize,
        }
        return _picture(self._ask(job), thumbnail)

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            finished, deadline = False, time.monotonic() + self.limits.seconds
            try:
                process = self._handed_over(protocol.pack(job))
                self._jobs += 1
                reply = self._reply(process, deadline)
                finished = self._jobs < self.limits.jobs_per_process
                return reply
            except TimeoutError:
                why = f"decoding took more than {self.limits.seconds:g} s"
                raise MediaRejected("decode_timeout", why) from None
            except (OSError, EOFError, ValueError):
                raise MediaRejected("decoder_died", self._obituary()) from None
            finally:
                if not finished:
                    self._stop()

    def _handed_over(self, frame: bytes) -> subprocess.Popen[bytes]:
        """Give the job to a running process, to a new one if that had just died of nothing."""
        process = self._running()
        with contextlib.suppress(BrokenPipeError):
            _write(process, frame)
            return process
        self._stop()
        process = self._running()
        _write(process, frame)
        return process

    def _reply(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        """Raises ``TimeoutError``, ``EOFError`` and ``ValueError`` (a reply that is none)."""
        assert process.stdout is not None
        stream = process.stdout.fileno()
        head = _receive(stream, protocol.LENGTH.size, deadline)
        (length,) = protocol.LENGTH.unpack(head)
        if length > protocol.LONGEST:
            raise ValueError("an endless reply")
        return protocol.unpack(_receive(stream, length, deadline))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():
            self._process = None  # it belongs to the process we were forked from
        if self._process is not None and self._process.poll() is not None:
            self._stop()
        if self._process is None:
            command = [sys.executable, "-m", "media_cache.decoder", str(self.limits.memory_bytes)]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                env=_ENVIRONMENT,
                bufsize=0,
            )
            self._owner, self._jobs = os.getpid(), 0
        return self._process

    def _obituary(self) -> str:
        """In words, how the process ended; called when it has stopped talking."""
        assert self._process is not None
        try:
            status = self._process.wait(_PARTING)
        except subprocess.TimeoutExpired:
            return "the decoder answered nonsense and was ended"
        if status >= 0:
            return f"the decoder ended with status {status}"
        return f"the decoder was killed by {signal.Signals(-status).name}"

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.kill()
        process.wait()


def _write(process: subprocess.Popen[bytes], frame: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(frame)


def _receive(stream: int, count: int, deadline: float) -> bytes:
    received = b""
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    while len(received) < count:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError
        part = os.read(stream, count - len(received))
        if not part:
            raise EOFError
        received += part
    return received


def _picture(reply: dict[str, Any], thumbnail: int) -> Picture:
    """The reply, believed as far as it is possible."""
    if "rejected" in reply:
        raise MediaRejected(str(reply["rejected"]), str(reply.get("why", ""))[:300])
    rewritten = reply.get("sha256") is not None
    try:
        picture = Picture(
            content_type=str(reply["content_type"]),
            width=int(reply["width"]),
            height=int(reply["height"]),
            rewritten=rewritten,
            converted=bool(reply["converted"]),
            animated=bool(reply["animated"]),
            byte_size=int(reply["byte_size"]) if rewritten else None,
            sha256=str(reply["sha256"]) if rewritten else None,
            luma=base64.b64decode(reply["luma"], validate=True),
        )
    except (KeyError, TypeError, ValueError):
        raise MediaRejected("decoder_died", "the decoder answered nonsense") from None
    if picture.content_type not in _TYPES or len(picture.luma) not in (0, thumbnail * thumbnail):
        raise MediaRejected("decoder_died", "the decoder answered nonsense")
    return picture

"""Answer jobs from standard input until it ends, within bounds that nothing here can lift."""

from __future__ import annotations

import base64
import hashlib
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

from media_cache.decoder import picture, protocol
from media_cache.decoder.structure import Rejected

_GRACE = 2.0
_OPEN_FILES = 64


def confine(memory_bytes: int) -> None:
    """Bound what this process may take from the machine. It inherits nothing that could undo it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """One file: what became of it, or why it was rejected."""
    try:
        return _done(job)
    except Rejected as rejected:
        return {"rejected": rejected.code, "why": rejected.why}
    except MemoryError:
        return {"rejected": "decode_failed", "why": "decoding needs more memory than is allowed"}
    except Exception as error:  # noqa: BLE001 - Pillow answers hostile files with any exception
        if type(error).__name__.startswith("DecompressionBomb"):
            return {"rejected": "too_many_pixels", "why": str(error)[:200]}
        why = f"it can't be decoded ({type(error).__name__}: {ascii(str(error))[:150]})"
        return {"rejected": "decode_failed", "why": why}


def _done(job: dict[str, Any]) -> dict[str, Any]:
    with open(job["source"], "rb") as file:
        data = file.read()
    options = picture.Options(
        max_pixels=job["max_pixels"],
        quality=job["quality"],
        progressive=job["progressive"],
        optimize=job["optimize"],
        thumbnail=job["thumbnail"],
    )
    result = picture.process(data, job["mime"], options)
    reply: dict[str, Any] = {
        "content_type": result.content_type,
        "width": result.width,
        "height": result.height,
        "converted": result.converted,
        "animated": result.animated,
        "luma": base64.b64encode(result.luma).decode(),
    }
    if result.body is not None:
        with open(job["target"], "wb") as file:
            file.write(result.body)
        reply["byte_size"] = len(result.body)
        reply["sha256"] = hashlib.sha256(result.body).hexdigest()
    return reply


def serve(jobs: BinaryIO, replies: BinaryIO) -> None:
    """Until the other side goes. A job that outlives even its parent is ended by the kernel."""
    while (job := protocol.read(jobs)) is not None:
        signal.setitimer(signal.ITIMER_REAL, job["timeout"] + _GRACE)
        reply = answer(job)
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(protocol.pack(reply))
        replies.flush()


def main() -> None:
    """``python -m media_cache.decoder MEMORY_BYTES``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end ends us
    confine(int(sys.argv[1]))
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not be able to garble the replies
    serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()

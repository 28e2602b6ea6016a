"""How the two processes talk: frames of JSON, each behind its length in four bytes.

JSON, because a decoder that a file has taken over must not be able to say anything but words.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
LONGEST = 256 * 1024


def pack(message: dict[str, Any]) -> bytes:
    """A frame. Raises ``ValueError`` where the message is too long for one."""
    body = json.dumps(message).encode()
    if len(body) > LONGEST:
        raise ValueError(f"a frame of {len(body)} bytes")
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> dict[str, Any]:
    """A frame's message. Raises ``ValueError`` where it isn't an object in JSON."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a frame that is no object")
    return message


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message, waiting for it; None when the other side has gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return unpack(body) if len(body) == length else None

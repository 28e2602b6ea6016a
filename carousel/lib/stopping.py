"""Tells long tasks that their worker was asked to stop."""

from __future__ import annotations

import mmap

# One shared byte: a prefork child can't see its parent's SIGTERM, but it sees this.
_stop = mmap.mmap(-1, 1)


def ask_to_stop(*_: object, **__: object) -> None:
    """Let every drain of this worker, its children included, end after what it has in hand."""
    _stop[0] = 1


def stopping() -> bool:
    return _stop[0] == 1

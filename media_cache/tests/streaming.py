"""Keeps two videos in a process of its own and tells how much memory the second one took.

``python -m media_cache.tests.streaming SMALL_URL LARGE_URL`` prints KiB: the resident memory
before the large one, and its peak while that was kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

import django

STATUS = Path("/proc/self/status")


def resident(name: str) -> int:
    """``VmRSS`` (now) or ``VmHWM`` (peak) of this process in KiB."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


def keep(key: str, url: str) -> None:
    """Keep one video with the product's own flow."""
    from carousel.lib.drain import drain
    from media_cache.models import CacheAsset
    from media_cache.services import FLOW, MediaRequest, request_media

    request_media([MediaRequest("video", key, (url,))])
    drain(FLOW)
    asset = CacheAsset.objects.get(source_key=key)
    assert asset.status == "completed", (asset.status, asset.error)


def main() -> None:
    """The small one first, so that every library is loaded before memory is looked at."""
    django.setup()
    keep("small", sys.argv[1])
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # start the peak over (Linux, proc(5))
    keep("large", sys.argv[2])
    sys.stdout.write(f"{before} {resident('VmHWM')}\n")


if __name__ == "__main__":
    main()

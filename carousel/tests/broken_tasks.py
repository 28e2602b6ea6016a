"""Tasks that go wrong in each of the ways a worker must survive and report."""

from __future__ import annotations

import logging
import os
import signal

from celery import shared_task

from carousel.lib.drain import Flow, drain
from carousel.lib.errors import UpstreamError
from media_cache.models import CacheAsset

logger = logging.getLogger(__name__)
LINK = "https://cdn.example/a.heic?x-expires=1&x-signature=c2lnbmF0dXJl"


class Unconvertible(UpstreamError):
    """A picture of ours that could not become a JPEG."""

    report = True


def go_wrong(rows: list[CacheAsset]) -> None:
    for row in rows:
        logger.info("Fetching %s", LINK)
        if row.source_key == "bug":
            raise ZeroDivisionError(f"while fetching {LINK}")
        if row.source_key == "heic":
            raise Unconvertible("The HEIC is damaged.", code="heic_damaged", retryable=False)
        if row.source_key == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise UpstreamError("No such file.", code="not_found", retryable=False)


@shared_task(name="media_cache.tasks.go_wrong")
def store(ids: list[str]) -> None:
    drain(Flow(CacheAsset, go_wrong), ids)


@shared_task(name="media_cache.tasks.go_wrong_in_lanes")
def store_in_lanes(ids: list[str]) -> None:
    drain(Flow(CacheAsset, go_wrong, lanes=4), ids)

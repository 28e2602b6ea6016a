"""Links to assets: to our copy once there is one, else to the source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from carousel.lib.work import Status
from media_cache.storage import media_storage


@dataclass(frozen=True, slots=True)
class AssetLink:
    """Where an asset can be seen now. ``url`` is None when it is nowhere, as far as we know."""

    url: str | None
    expires_at: datetime | None
    is_fallback: bool  # the source's own link, because there is no copy yet


NOWHERE = AssetLink(None, None, is_fallback=False)


class Linkable(Protocol):
    """What a link needs to know of an asset, be it a model instance or a plain row."""

    @property
    def pk(self) -> UUID: ...
    @property
    def status(self) -> str: ...
    @property
    def source_urls(self) -> list[str]: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def storage_key(self) -> str: ...


def urls_for(assets: Iterable[Linkable], *, base_url: str = "") -> dict[UUID, AssetLink]:
    """A link for each asset, without a query or a call to the storage service per asset.

    ``base_url`` (such as ``https://carousel.example``) makes links to our own files absolute.
    """
    assets = list(assets)
    signed = media_storage().links({asset.storage_key for asset in assets if asset.storage_key})
    now = datetime.now(UTC)
    links = {}
    for asset in assets:
        if asset.storage_key:
            url = signed.urls[asset.storage_key]
            absolute = base_url + url if url.startswith("/") else url
            links[asset.pk] = AssetLink(absolute, signed.expire_at, is_fallback=False)
        else:
            links[asset.pk] = _source_link(asset, now)
    return links


def _source_link(asset: Linkable, now: datetime) -> AssetLink:
    expired = asset.expires_at is not None and asset.expires_at <= now
    dead = expired or asset.status in (Status.BLOCKED, Status.FAILED)
    if dead or not asset.source_urls:
        return NOWHERE
    return AssetLink(asset.source_urls[0], asset.expires_at, is_fallback=True)

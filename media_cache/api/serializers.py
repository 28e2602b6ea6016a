"""The shape of an asset, and how its fields are filled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from rest_framework import serializers

from carousel.api.times import iso
from carousel.lib.work import Status
from media_cache.models import CacheAsset, Kind
from media_cache.services import AssetLink, State, urls_for

Answer = dict[str, Any]


class AssetSerializer(serializers.Serializer[Any]):
    """A file at a URL and our copy of it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    url = serializers.CharField(
        allow_null=True,
        help_text="A signed link to our copy; until it is stored, the source's link; null when "
        "that is known to be dead.",
    )
    urlExpiresAt = serializers.DateTimeField(allow_null=True)
    isFallback = serializers.BooleanField(help_text="Whether `url` is the source's link.")
    contentType = serializers.CharField(help_text="Empty until stored.")
    originalContentType = serializers.CharField(
        help_text="What the source served, before any conversion."
    )
    byteSize = serializers.IntegerField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    durationMs = serializers.IntegerField(allow_null=True)
    codec = serializers.CharField(help_text="Of a video or sound, as `avc1`; empty if unknown.")
    sha256 = serializers.CharField(help_text="Of our copy, in hexadecimal; empty until stored.")
    error = serializers.CharField()
    errorCode = serializers.CharField()
    attempts = serializers.IntegerField()


class MatchSerializer(serializers.Serializer[Any]):
    """A picture that looks the same."""

    asset = AssetSerializer()
    distance = serializers.IntegerField(help_text="How many of the 63 bits of their hashes differ.")
    likeness = serializers.FloatField(
        help_text="Of the parts in which the two are least alike: 1 is the same."
    )


class SimilarSerializer(serializers.Serializer[Any]):
    """Copies of a picture, the most alike first."""

    fingerprint = serializers.ChoiceField(
        choices=[state.value for state in State],
        help_text="`waiting`: it is made in a quiet moment, so ask again later; `flat`: the "
        "picture is all of one shade; `none`: the asset is no stored picture.",
    )
    results = MatchSerializer(many=True)


class AssetRow(NamedTuple):
    """What an answer and its link need. A page has hundreds, and model instances cost as much
    time as the query itself."""

    pk: UUID
    kind: str
    status: str
    source_urls: list[str]
    expires_at: datetime | None
    storage_key: str
    content_type: str
    original_content_type: str
    byte_size: int | None
    width: int | None
    height: int | None
    duration_ms: int | None
    codec: str
    sha256: str
    error: str
    error_code: str
    attempts: int


def asset_answer(asset: AssetRow, link: AssetLink) -> Answer:
    """One asset with its link."""
    return {
        "id": str(asset.pk),
        "kind": asset.kind,
        "status": asset.status,
        "url": link.url,
        "urlExpiresAt": iso(link.expires_at),
        "isFallback": link.is_fallback,
        "contentType": asset.content_type,
        "originalContentType": asset.original_content_type,
        "byteSize": asset.byte_size,
        "width": asset.width,
        "height": asset.height,
        "durationMs": asset.duration_ms,
        "codec": asset.codec,
        "sha256": asset.sha256,
        "error": asset.error,
        "errorCode": asset.error_code,
        "attempts": asset.attempts,
    }


def asset_answers(ids: Iterable[UUID | None], base_url: str) -> dict[UUID | None, Answer]:
    """Answers by id, for any number of assets in one query; ``None`` among the ids is skipped.

    ``base_url`` (such as ``https://carousel.example``) is put before links to our own files.
    """
    wanted = {pk for pk in ids if pk is not None}
    if not wanted:
        return {}
    rows = CacheAsset.objects.filter(pk__in=wanted).order_by()
    assets = [AssetRow._make(row) for row in rows.values_list(*AssetRow._fields)]
    links = urls_for(assets, base_url=base_url)
    return {asset.pk: asset_answer(asset, links[asset.pk]) for asset in assets}

"""Assets."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import parse_id
from carousel.api.errors import missing
from carousel.api.links import base_url
from carousel.api.openapi import operation
from media_cache.api.serializers import AssetSerializer, asset_answers


class AssetView(APIView):
    """One asset."""

    @operation(
        "getAsset",
        "Get an asset",
        answers={200: AssetSerializer},
        path={"id": "The asset's id."},
        errors=[404],
        tag="media",
    )
    def get(self, request: Request, id: str) -> Response:
        """State, type, size and a link: to our copy once it is stored, else to the source."""
        key = parse_id(id, "asset")
        answer = asset_answers([key], base_url(request)).get(key)
        if answer is None:
            raise missing("asset", id)
        return Response(answer)

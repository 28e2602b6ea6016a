"""Assets."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import parse_id
from carousel.api.errors import missing
from carousel.api.links import base_url
from carousel.api.openapi import operation
from media_cache.api.serializers import AssetSerializer, SimilarSerializer, asset_answers
from media_cache.services import similar_to


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


class SimilarView(APIView):
    """Copies of one picture."""

    @operation(
        "listSimilarAssets",
        "Find copies of a picture",
        answers={200: SimilarSerializer},
        path={"id": "The asset's id."},
        errors=[404],
        tag="media",
    )
    def get(self, request: Request, id: str) -> Response:
        """Stored pictures that look the same to the eye: posted again, re-encoded, resized,
        brightened or lightly cropped, by anybody. The most alike first, 50 at most. Slides with
        other words on the same ground are not among them.
        """
        key = parse_id(id, "asset")
        state, matches = similar_to(key)
        answers = asset_answers([key, *(match.asset_id for match in matches)], base_url(request))
        if key not in answers:
            raise missing("asset", id)
        results = [
            {
                "asset": answers[match.asset_id],
                "distance": match.distance,
                "likeness": match.likeness,
            }
            for match in matches
            if match.asset_id in answers
        ]
        return Response({"fingerprint": state, "results": results})

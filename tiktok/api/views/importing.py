"""Many profiles at once."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import StrictJSONParser, TextParser, read_body, read_query
from carousel.api.errors import ApiProblem
from carousel.api.openapi import operation
from tiktok.api.bodies import MOST_HANDLES, ImportBody, ImportQuery
from tiktok.api.serializers.imports import ImportSerializer
from tiktok.services import queue_profiles
from tiktok.services.importing import (
    ImportPreview,
    classify,
    classify_names,
    decode,
    preview_answer,
)


class ImportProfilesView(APIView):
    """A list of profiles."""

    parser_classes = [StrictJSONParser, TextParser]

    @operation(
        "importProfiles",
        "Add many profiles",
        query=ImportQuery,
        body=ImportBody,
        text_bodies=["text/csv", "text/plain"],
        answers={200: ImportSerializer, 202: ImportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Tell what is new, known, named twice or malformed, and queue what is new.

        Takes up to 10,000 handles or URLs in any spelling: as JSON, as CSV with or without a
        header, or one per line. They are added behind everything else and as the budget allows.
        202; with `dryRun` nothing is queued, and the answer is 200.
        """
        wanted = read_query(request, ImportQuery)
        preview, wanted = _named(request, wanted)
        handles = [] if wanted.get("dryRun") else [entry.handle for entry in preview.new]
        queued = queue_profiles(
            handles,
            is_own_profile=wanted.get("isOwnProfile", False),
            monitoring=wanted.get("monitor"),
        )
        answer = {
            "dryRun": wanted.get("dryRun", False),
            **preview_answer(preview),
            "queued": len(queued),
            "waiting": len(handles) - len(queued),
        }
        return Response(answer, status=200 if answer["dryRun"] else 202)


def _named(request: Request, wanted: dict[str, Any]) -> tuple[ImportPreview, dict[str, Any]]:
    """What the body names, and what is to be done; what stands in the body goes first."""
    data: object = request.data
    if not isinstance(data, bytes):
        body = read_body(request, ImportBody)
        given = {name: body[name] for name in body if name in request.data}
        return classify_names(body["handles"]), {**wanted, **given}
    try:
        preview = classify(decode(data).splitlines())
    except ValueError as exc:
        raise ApiProblem(400, "invalid", str(exc)) from exc
    if not 0 < preview.total <= MOST_HANDLES:
        words = f"Send from 1 to {MOST_HANDLES} handles or URLs; there are {preview.total}."
        raise ApiProblem(400, "invalid", words)
    return preview, wanted

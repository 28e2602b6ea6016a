"""Having posts read."""

from __future__ import annotations

import time

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import read_body, read_query
from carousel.api.errors import conflict
from carousel.api.links import base_url
from carousel.api.openapi import operation
from carousel.lib.work import Status
from ocr.models import Reading
from tiktok import services
from tiktok.api.answers import post_answer
from tiktok.api.bodies import BulkOcrBody, OcrBody, WaitQuery
from tiktok.api.serializers import BulkOcrSerializer, OcrQueuedSerializer, PostSerializer
from tiktok.api.views.finding import UNREADABLE, find_post

WAIT_SECONDS = 30.0
LOOK_EVERY = 0.25  # seconds
ENDED = (Status.COMPLETED, Status.FAILED)


class PostOcrView(APIView):
    """The reading of a post."""

    @operation(
        "readPost",
        "Read a post's slides",
        path={"id": "The post's id."},
        query=WaitQuery,
        body=OcrBody,
        answers={200: PostSerializer, 202: OcrQueuedSerializer},
        errors=[404, 409],
    )
    def post(self, request: Request, id: str) -> Response:
        """Queue a reading. With `wait`, answer 200 with the post once it has ended."""
        wait = read_query(request, WaitQuery)["wait"]
        post = find_post(id)
        body = read_body(request, OcrBody)
        try:
            reading = services.perform_ocr_for_post(post, force=body["force"])
        except UNREADABLE as exc:
            raise conflict(exc.code, str(exc)) from exc
        status = _outcome(reading) if wait else reading.status
        if wait and status in ENDED:
            return Response(post_answer(post.pk, base_url(request)))
        return Response({"postId": str(post.pk), "ocrStatus": status}, status=202)


def _outcome(reading: Reading) -> str:
    """The reading's status once it has ended, or what it is when the time is up."""
    ends = time.monotonic() + WAIT_SECONDS
    rows = Reading.objects.filter(pk=reading.pk).values_list("status", flat=True)
    status = rows.first() or Status.FAILED
    while status not in ENDED and time.monotonic() < ends:
        time.sleep(LOOK_EVERY)
        status = rows.first() or Status.FAILED
    return status


class BulkOcrView(APIView):
    """The readings of many posts."""

    @operation(
        "readPosts",
        "Read many posts' slides",
        body=BulkOcrBody,
        answers={202: BulkOcrSerializer},
    )
    def post(self, request: Request) -> Response:
        """Queue readings. A post that can't be read is a failed result and stops no other."""
        body = read_body(request, BulkOcrBody)
        wanted = list(dict.fromkeys(body["postIds"]))
        outcomes = services.perform_batch_ocr(wanted, force=body["force"])
        successful = sum(outcome.success for outcome in outcomes)
        summary = {
            "total": len(outcomes),
            "successful": successful,
            "failed": len(outcomes) - successful,
        }
        results = [
            {
                "postId": str(outcome.post_id),
                "success": outcome.success,
                "ocrStatus": outcome.ocr_status,
                "error": outcome.error or "",
            }
            for outcome in outcomes
        ]
        answer = {"success": summary["failed"] == 0, "summary": summary, "results": results}
        return Response(answer, status=202)

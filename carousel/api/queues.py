"""Queues: what waits in them, and a hand on the tap."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.errors import ApiProblem
from carousel.api.openapi import operation
from carousel.api.times import iso
from carousel.lib import queues

Shape = serializers.Serializer[Any]
NAME = {"name": "The queue's name."}


class QueueSerializer(Shape):
    """One queue."""

    name = serializers.CharField()
    blocked = serializers.IntegerField()
    pending = serializers.IntegerField()
    running = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    oldestDueAt = serializers.DateTimeField(allow_null=True)
    oldestDueSeconds = serializers.FloatField(allow_null=True)
    isEstimate = serializers.BooleanField(
        help_text="Blocked and completed rows are estimates: there are many."
    )


class QueuesSerializer(Shape):
    """All queues."""

    queues = QueueSerializer(many=True)


class ClearedSerializer(Shape):
    """What clearing did."""

    cleared = serializers.IntegerField()


class RequeuedSerializer(Shape):
    """What retrying did."""

    requeued = serializers.IntegerField()


def queue_answer(stats: queues.QueueStats) -> dict[str, Any]:
    """One queue as the API shows it."""
    return {
        "name": stats.name,
        "blocked": stats.blocked,
        "pending": stats.pending,
        "running": stats.running,
        "completed": stats.completed,
        "failed": stats.failed,
        "oldestDueAt": iso(stats.oldest_due_at),
        "oldestDueSeconds": stats.oldest_due_seconds,
        "isEstimate": stats.is_estimate,
    }


class QueuesView(APIView):
    """All queues."""

    @operation("listQueues", "List queues", answers={200: QueuesSerializer}, tag="queues")
    def get(self, request: Request) -> Response:
        """How much waits, runs and failed, and since when the oldest due row has been so."""
        return Response({"queues": [queue_answer(stats) for stats in queues.stats()]})


class ClearQueueView(APIView):
    """Clearing a queue."""

    permission_classes = (IsAdminUser,)

    @operation(
        "clearQueue",
        "Clear a queue (staff)",
        path=NAME,
        answers={200: ClearedSerializer},
        errors=[403, 404],
        tag="queues",
    )
    def post(self, request: Request, name: str) -> Response:
        """Turn its pending work into failed work with code `cleared`, which can be requeued."""
        try:
            return Response({"cleared": queues.clear(name)})
        except queues.UnknownQueue as exc:
            raise ApiProblem(404, "not_found", str(exc)) from exc


class RetryFailedView(APIView):
    """Retrying a queue's failed work."""

    permission_classes = (IsAdminUser,)

    @operation(
        "retryFailed",
        "Retry a queue's failed work (staff)",
        path=NAME,
        answers={200: RequeuedSerializer},
        errors=[403, 404],
        tag="queues",
    )
    def post(self, request: Request, name: str) -> Response:
        """Queue everything that failed once more, from a first attempt."""
        try:
            return Response({"requeued": queues.retry_failed(name)})
        except queues.UnknownQueue as exc:
            raise ApiProblem(404, "not_found", str(exc)) from exc

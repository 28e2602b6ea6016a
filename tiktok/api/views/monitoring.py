"""Watching profiles: whether, how often, now, and what the runs did."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import read_body, read_query
from carousel.api.openapi import operation, page_of
from carousel.api.pages import paginate
from tiktok import services
from tiktok.api.answers import monitoring_answer, run_answer, run_answers
from tiktok.api.bodies import (
    BulkMonitoringPatch,
    MonitoringPatch,
    TriggerBody,
    wanted_schedule,
)
from tiktok.api.filters import RunQuery, runs_matching
from tiktok.api.serializers import (
    BulkMonitoringSerializer,
    MonitoringSerializer,
    RunSerializer,
    TriggeredSerializer,
)
from tiktok.api.views.finding import find_profile
from tiktok.models import Trigger

ID = {"id": "The profile's id."}


class MonitoringView(APIView):
    """How a profile is watched."""

    @operation(
        "getMonitoring",
        "Get how a profile is watched",
        path=ID,
        answers={200: MonitoringSerializer},
        errors=[404],
    )
    def get(self, request: Request, id: str) -> Response:
        """Whether and how often it is checked, when next, and its newest runs."""
        return Response(monitoring_answer(find_profile(id)))

    @operation(
        "changeMonitoring",
        "Watch a profile, or stop",
        path=ID,
        body=MonitoringPatch,
        answers={200: MonitoringSerializer},
        errors=[404],
    )
    def patch(self, request: Request, id: str) -> Response:
        """Turning it on plans the first check one interval ahead."""
        profile = find_profile(id)
        body = read_body(request, MonitoringPatch)
        name = "interval" if "intervalMinutes" not in body else "intervalMinutes"
        schedule = wanted_schedule(body, name)
        services.set_monitoring([profile.pk], enabled=body["enabled"], **schedule)
        return Response(monitoring_answer(find_profile(id)))


class TriggerView(APIView):
    """A run, now."""

    @operation(
        "triggerRun",
        "Check a profile now",
        path=ID,
        body=TriggerBody,
        answers={202: TriggeredSerializer},
        errors=[404],
    )
    def post(self, request: Request, id: str) -> Response:
        """Queue a run, or return the one that is open."""
        profile = find_profile(id)
        body = read_body(request, TriggerBody)
        run, created = services.trigger_run(
            profile, trigger=Trigger.MANUAL, force_recache=body["forceRecache"]
        )
        return Response({"run": run_answer(run), "created": created}, status=202)


class BulkMonitoringView(APIView):
    """How many profiles are watched."""

    @operation(
        "changeMonitoringOfMany",
        "Watch many profiles, or stop",
        body=BulkMonitoringPatch,
        answers={200: BulkMonitoringSerializer},
    )
    def patch(self, request: Request) -> Response:
        """Ids that belong to no profile are named in the answer and stop nothing."""
        body = read_body(request, BulkMonitoringPatch)
        change = services.set_monitoring(body["profileIds"], enabled=body["enabled"])
        return Response(
            {
                "updatedCount": change.updated_count,
                "enabled": body["enabled"],
                "notFound": [str(key) for key in change.not_found],
            }
        )


class RunsView(APIView):
    """All runs."""

    @operation("listRuns", "List runs", query=RunQuery, answers={200: page_of(RunSerializer)})
    def get(self, request: Request) -> Response:
        """Runs over profiles, newest first: what each found, and what it cost."""
        query = read_query(request, RunQuery)
        page = paginate(runs_matching(query), query)
        return page.answer(request, run_answers(page.keys))

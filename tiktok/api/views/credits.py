"""What calls cost, and whether they are made."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.openapi import operation
from carousel.api.times import iso
from tiktok import services
from tiktok.api.serializers.credits import CreditsSerializer
from tiktok.models import ApiCall


class CreditsView(APIView):
    """The account at ScrapeCreators."""

    @operation("getCredits", "Get credits and budgets", answers={200: CreditsSerializer})
    def get(self, request: Request) -> Response:
        """What is left, what is used of each budget, and why no calls are made, if so."""
        latest = ApiCall.objects.exclude(credits_remaining=None).order_by("-started_at").first()
        stopped = services.calls_stopped()
        return Response(
            {
                "creditsRemaining": latest.credits_remaining if latest else None,
                "asOf": iso(latest.started_at if latest else None),
                "budgets": [_budget(budget) for budget in services.budgets()],
                "unsettledCalls": ApiCall.objects.filter(credits=None).count(),
                "stopped": _stopped(stopped) if stopped else None,
            }
        )


def _budget(budget: services.Budget) -> dict[str, Any]:
    return {
        "period": budget.period.value,
        "starts": budget.starts.isoformat(),
        "ends": iso(budget.ends),
        "limit": budget.limit,
        "used": budget.used,
        "exhausted": budget.exhausted,
    }


def _stopped(stopped: services.CallsStopped) -> dict[str, Any]:
    return {
        "code": stopped.code,
        "reason": stopped.reason,
        "since": iso(stopped.since),
        "until": iso(stopped.until),
    }

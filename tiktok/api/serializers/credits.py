"""Credits, budgets, and what stops calls."""

from __future__ import annotations

from rest_framework import serializers

from tiktok.api.serializers.fields import Shape, moment, number


class BudgetSerializer(Shape):
    """Credits of a day or month, in UTC."""

    period = serializers.ChoiceField(choices=["day", "month"])
    starts = serializers.DateField()
    ends = serializers.DateTimeField()
    limit = number("Null: without bounds.")
    used = serializers.IntegerField(
        help_text="Spent, and reserved for calls whose price is not known yet."
    )
    exhausted = serializers.BooleanField()


class StoppedSerializer(Shape):
    """Why no paid call is made."""

    code = serializers.CharField(
        help_text="`paused`, `budget_exhausted`, `out_of_credits` or `unauthorized`."
    )
    reason = serializers.CharField()
    since = moment()
    until = moment("When it ends by itself, where that is known.")


class CreditsSerializer(Shape):
    """The account at ScrapeCreators as its last answer said, and our own budgets."""

    creditsRemaining = number()
    asOf = moment()
    budgets = BudgetSerializer(many=True)
    unsettledCalls = serializers.IntegerField(
        help_text="Calls under way, or whose price could not be found out yet."
    )
    stopped = StoppedSerializer(allow_null=True)

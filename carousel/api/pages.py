"""Lists: a page of ids first, found through an index alone, then the rows of that page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from carousel.api.errors import ApiProblem
from carousel.api.links import base_url
from carousel.lib import counts

PAGE_SIZE = 50
MOST_PER_PAGE = 200
LAST_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """Something to order by. ``nullable`` ones put what is unknown last, as their index does;
    the index of ``sparse`` ones has only what is known."""

    expression: F | Lower
    nullable: bool = False
    sparse: bool = False


class Sparse(OrderBy):
    """By a nullable column whose index has only what is known."""


class PageQuery(serializers.Serializer[Any]):
    """What every list takes."""

    page = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, default=1, help_text="From 1. Beyond the last one: 404."
    )
    pageSize = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        default=PAGE_SIZE,
        help_text=f"Results per page; more than {MOST_PER_PAGE} means {MOST_PER_PAGE}.",
    )


def ordering(names: Sequence[str], *, default: str) -> serializers.ChoiceField:
    """The ``ordering`` parameter: one of ``names``, with a minus for descending."""
    choices = [choice for name in names for choice in (name, f"-{name}")]
    words = f"Can't order by {{input}}. Write one of: {', '.join(choices)}."
    return serializers.ChoiceField(
        choices=choices,
        default=default,
        error_messages={"invalid_choice": words},
        help_text="A minus orders descending. Unknown values come last, equal ones by id.",
    )


def order_by(name: str, columns: Mapping[str, Column]) -> list[OrderBy]:
    """The expressions for ``ordering``: unknown values last, ties broken by id."""
    column, descending = columns[name.lstrip("-")], name.startswith("-")
    kind = Sparse if column.sparse else OrderBy
    nulls_last = True if column.nullable or column.sparse else None
    return [
        kind(column.expression, descending=descending, nulls_last=nulls_last),
        OrderBy(F("id"), descending=descending),
    ]


@dataclass(frozen=True, slots=True)
class Page:
    """The keys of one page, and where it is in the list."""

    keys: list[Any]
    number: int
    size: int
    total: counts.Count
    has_next: bool

    def answer(self, request: Request, results: list[dict[str, Any]], **more: Any) -> Response:
        """The body of a list, with ``more``. Links repeat the request's own parameters."""
        return Response(
            {
                "count": self.total.value,
                "countIsEstimate": self.total.is_estimate,
                "next": self._link(request, self.number + 1) if self.has_next else None,
                "previous": self._link(request, self.number - 1) if self.number > 1 else None,
                "results": results,
                **more,
            }
        )

    def _link(self, request: Request, number: int) -> str:
        parameters = request.query_params.copy()
        parameters["page"] = str(number)
        return f"{base_url(request)}{request.path}?{parameters.urlencode()}"


def bounds(query: Mapping[str, Any]) -> tuple[int, int, int]:
    """Page number, page size and offset that a query asks for. Raises ApiProblem 404."""
    number, size = query["page"], min(query["pageSize"], MOST_PER_PAGE)
    if number > LAST_PAGE:
        raise no_page(number)
    return number, size, (number - 1) * size


def no_page(number: int) -> ApiProblem:
    return ApiProblem(404, "not_found", f"There is no page {number}: the list ends before it.")


def paginate(rows: QuerySet[Any], query: Mapping[str, Any]) -> Page:
    """The keys of the page that ``query`` (a validated ``PageQuery``) asks for.

    ``rows`` are filtered and ordered. One query for the keys, at most two for the count, none
    where the end is in sight. Raises ApiProblem 404 for a page beyond the last.
    """
    number, size, start = bounds(query)
    keys = _keys(rows, start, size + 1)
    if not keys and number > 1:
        raise no_page(number)
    has_next = len(keys) > size
    keys = keys[:size]
    return Page(keys, number, size, total_of(rows, start + len(keys), has_next), has_next)


def _keys(rows: QuerySet[Any], start: int, most: int) -> list[Any]:
    """The keys of so many rows from ``start`` on.

    Known and unknown values are asked for apart where no index has both in this order: an index
    that has unknown ones last in the descending order can't be read backwards for the ascending
    one, and a sparse index has none of them.
    """
    first, *rest = rows.query.order_by or (None,)
    name = _asked_apart(first) if isinstance(first, OrderBy) else None
    if not isinstance(first, OrderBy) or name is None:
        return list(rows.values_list("pk", flat=True)[start : start + most])
    known = rows.filter(**{f"{name}__isnull": False})
    in_order = known.order_by(first if first.descending else F(name).asc(nulls_first=True), *rest)
    keys = list(in_order.values_list("pk", flat=True)[start : start + most])
    if len(keys) < most:
        skipped = 0 if keys else max(start - known.order_by().count(), 0)
        unknown = rows.filter(**{f"{name}__isnull": True}).order_by(*rest)
        keys += unknown.values_list("pk", flat=True)[skipped : skipped + most - len(keys)]
    return keys


def _asked_apart(first: OrderBy) -> str | None:
    """The column of ``first``, if no index has its known and unknown values in that order."""
    apart = isinstance(first, Sparse) or (first.nulls_last and not first.descending)
    if not apart or not isinstance(first.expression, F):
        return None
    name: str = first.expression.name  # type: ignore[attr-defined]  # the stubs don't know it
    return name


def total_of(rows: QuerySet[Any], seen: int, has_next: bool) -> counts.Count:
    """How many rows there are, knowing that ``seen`` of them lie before the end of this page."""
    if not has_next:
        return counts.Count(seen, is_estimate=False)
    total = counts.count(rows)
    return counts.Count(max(total.value, seen + 1), total.is_estimate)

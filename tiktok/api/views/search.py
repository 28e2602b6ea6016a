"""Slides by what they say."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import read_query
from carousel.api.errors import ApiProblem
from carousel.api.links import base_url
from carousel.api.openapi import operation, page_of
from carousel.api.pages import Page, bounds, no_page
from carousel.lib.counts import Count
from ocr.search import parse
from tiktok.api.answers import facet_answer, hit_answers
from tiktok.api.filters import POST_FILTERS, SearchQuery, posts_filtered
from tiktok.api.serializers import HitSerializer
from tiktok.api.serializers.posts import FacetsSerializer
from tiktok.services.search import CANDIDATES, search_slides


class SearchView(APIView):
    """The search in slides."""

    @operation(
        "searchSlides",
        "Search in slides",
        query=SearchQuery,
        answers={200: page_of(HitSerializer, facets=FacetsSerializer())},
    )
    def get(self, request: Request) -> Response:
        """Slides whose text has every word of `q`, best first, with where they have it."""
        query = read_query(request, SearchQuery)
        try:
            terms = parse(query["q"])
        except ValueError as exc:
            raise ApiProblem(400, "invalid", str(exc), fields={"q": [str(exc)]}) from exc
        number, size, start = bounds(query)
        found = search_slides(
            terms,
            posts=posts_filtered(query) if POST_FILTERS.keys() & query.keys() else None,
            slide_type=query.get("slideType", ""),
            ordering=query["ordering"],
            limit=size,
            offset=start,
        )
        if not found.hits and number > 1:
            raise no_page(number)
        keys = [hit.slide_reading_id for hit in found.hits]
        total = Count(found.total, is_estimate=found.total >= CANDIDATES)
        page = Page(keys, number, size, total, has_next=start + len(keys) < found.total)
        hits = hit_answers(found.hits, terms, base_url(request))
        return page.answer(request, hits, facets=facet_answer(found.facets))

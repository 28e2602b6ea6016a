"""What carousels teach: hooks, patterns, copies."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import read_query
from carousel.api.errors import ApiProblem
from carousel.api.links import base_url
from carousel.api.openapi import operation, page_of
from carousel.api.pages import Page, PageQuery, bounds, no_page
from carousel.lib.counts import Count
from ocr.search import parse
from tiktok.api.answers.learning import copy_answers, hook_answers, patterns_answer
from tiktok.api.filters import MOST_LETTERS, PostFilters, posts_filtered
from tiktok.api.serializers.learning import CopySerializer, HookSerializer, PatternsSerializer
from tiktok.services.copies import find_copies
from tiktok.services.hooks import hook_library
from tiktok.services.patterns import find_patterns


class HookQuery(PostFilters, PageQuery):
    """What the hook library takes."""

    q = serializers.CharField(
        required=False,
        max_length=MOST_LETTERS,
        help_text='Words in any order, "a phrase", -without.',
    )


class PatternQuery(PostFilters):
    """What the pattern report takes."""


class CopyQuery(PageQuery):
    """What the list of copies takes."""

    profileId = serializers.UUIDField(
        required=False, help_text="Only pictures that this account has posted, too."
    )


class HooksView(APIView):
    """The hook library."""

    @operation("listHooks", "List hooks", query=HookQuery, answers={200: page_of(HookSerializer)})
    def get(self, request: Request) -> Response:
        """How carousels open: the text of the hook slide, else of the first slide with text.

        Ranked by outlier score. Hooks that share 70 % of their trigrams are one result: case,
        accents, punctuation and which number it is make no difference. The 2,000 best hooks that
        match are looked at.
        """
        query = read_query(request, HookQuery)
        try:
            terms = parse(query["q"]) if query.get("q") else []
        except ValueError as exc:
            raise ApiProblem(400, "invalid", str(exc), fields={"q": [str(exc)]}) from exc
        number, size, start = bounds(query)
        library = hook_library(posts_filtered(query), terms)
        groups = library.groups[start : start + size]
        if not groups and number > 1:
            raise no_page(number)
        total = len(library.groups)
        page = Page(
            groups, number, size, Count(total, library.is_cut), has_next=start + size < total
        )
        return page.answer(request, hook_answers(groups, base_url(request)))


class PatternsView(APIView):
    """The pattern report."""

    @operation(
        "getPatterns",
        "Get the pattern report",
        query=PatternQuery,
        answers={200: PatternsSerializer},
    )
    def get(self, request: Request) -> Response:
        """What the quarter of carousels with the highest outlier scores has and the rest has not.

        Of a profile or a category, with the post filters; posts with a score of low confidence are
        left out. Differences with 95 % intervals; they are no causes, and one interval in twenty
        misses by chance.
        """
        query = read_query(request, PatternQuery)
        if not {"profileId", "categoryId"} & query.keys():
            said = "Name a profile or a category: profileId, categoryId, or both."
            raise ApiProblem(400, "invalid", said, fields={"profileId": [said]})
        return Response(patterns_answer(find_patterns(posts_filtered(query))))


class CopiesView(APIView):
    """Copies."""

    @operation("listCopies", "List copies", query=CopyQuery, answers={200: page_of(CopySerializer)})
    def get(self, request: Request) -> Response:
        """Pictures that several accounts have posted as a slide, and who was first.

        The same picture means the same bytes (`exact`), or one that looks the same, though it was
        re-encoded, resized or lightly cropped, and says the same words. Those that most accounts
        have come first.
        """
        query = read_query(request, CopyQuery)
        number, size, start = bounds(query)
        found = find_copies(profile_id=query.get("profileId"), limit=size, offset=start)
        if not found.copies and number > 1:
            raise no_page(number)
        total = Count(found.total, is_estimate=False)
        page = Page(found.copies, number, size, total, has_next=start + size < found.total)
        return page.answer(request, copy_answers(found.copies, base_url(request)))

"""What posts can be about."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import parse_id, read_body, read_query
from carousel.api.errors import conflict, missing
from carousel.api.openapi import operation, page_of
from carousel.api.pages import paginate
from ocr.models import PostCategory
from ocr.services import CategoryTaken, accept_category, rename_category
from tiktok.api.answers import category_answers
from tiktok.api.bodies import CategoryPatch
from tiktok.api.filters import CategoryQuery, categories_matching
from tiktok.api.serializers import CategorySerializer


class CategoriesView(APIView):
    """All categories."""

    @operation(
        "listCategories",
        "List categories",
        query=CategoryQuery,
        answers={200: page_of(CategorySerializer)},
    )
    def get(self, request: Request) -> Response:
        """Categories with the number of posts in each."""
        query = read_query(request, CategoryQuery)
        page = paginate(categories_matching(query), query)
        return page.answer(request, category_answers(page.keys))


class CategoryView(APIView):
    """One category."""

    @operation(
        "changeCategory",
        "Change a category",
        path={"id": "The category's id."},
        body=CategoryPatch,
        answers={200: CategorySerializer},
        errors=[404, 409],
    )
    def patch(self, request: Request, id: str) -> Response:
        """Rename it, describe it, or say whether the reader may choose it."""
        key = parse_id(id, "category")
        category = PostCategory.objects.filter(pk=key).first()
        if category is None:
            raise missing("category", id)
        body = read_body(request, CategoryPatch, partial=True)
        name = body.pop("name", category.name)
        try:
            with transaction.atomic():
                rename_category(category, name)
                if body:
                    PostCategory.objects.filter(pk=key).update(**body)
                if body.get("active"):
                    accept_category(category)
        except (IntegrityError, CategoryTaken):
            words = f"There is another category called {name!r}. Choose another name."
            raise conflict("duplicate_name", words) from None
        for answer in category_answers([key]):
            return Response(answer)
        raise missing("category", id)

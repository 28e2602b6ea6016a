"""Posts, their numbers over time, and what a person corrects about them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from carousel.api.bodies import parse_id, read_body, read_query
from carousel.api.errors import ApiProblem, conflict
from carousel.api.links import base_url
from carousel.api.openapi import operation, page_of
from carousel.api.pages import paginate
from carousel.api.times import iso
from ocr.models import PostCategory
from tiktok import services
from tiktok.api.answers import post_answer, post_answers
from tiktok.api.bodies import PostCategoryPatch, SlidePatch
from tiktok.api.filters import PeriodQuery, PostQuery, during, posts_matching
from tiktok.api.serializers import PostMetricsSerializer, PostSerializer
from tiktok.api.views.finding import UNREADABLE, find_post
from tiktok.models import PostMetrics

ID = {"id": "The post's id."}
COUNTS = ("view_count", "like_count", "comment_count", "share_count", "save_count")
NAMES = ("viewCount", "likeCount", "commentCount", "shareCount", "saveCount")


class PostsView(APIView):
    """All posts."""

    @operation("listPosts", "List posts", query=PostQuery, answers={200: page_of(PostSerializer)})
    def get(self, request: Request) -> Response:
        """Posts with links to their files and what their slides say."""
        query = read_query(request, PostQuery)
        page = paginate(posts_matching(query), query)
        return page.answer(request, post_answers(page.keys, base_url(request)))


class PostView(APIView):
    """One post."""

    @operation("getPost", "Get a post", path=ID, answers={200: PostSerializer}, errors=[404])
    def get(self, request: Request, id: str) -> Response:
        """The post as last seen, with links to its files and what its slides say."""
        return Response(post_answer(parse_id(id, "post"), base_url(request)))


class PostMetricsView(APIView):
    """A post's numbers over time."""

    @operation(
        "getPostMetrics",
        "Get a post's numbers over time",
        path=ID,
        query=PeriodQuery,
        answers={200: PostMetricsSerializer},
    )
    def get(self, request: Request, id: str) -> Response:
        """One entry at first sight and one whenever a number had moved, oldest first."""
        query = read_query(request, PeriodQuery)
        rows = during(PostMetrics.objects.filter(post=find_post(id)), query)
        names = (*NAMES, "decreased")
        return Response(
            {
                "results": [
                    {"capturedAt": iso(at), **dict(zip(names, numbers, strict=True))}
                    for at, *numbers in rows.values_list("captured_at", *COUNTS, "decreased")
                ]
            }
        )


class SlideView(APIView):
    """One slide of a post."""

    @operation(
        "correctSlide",
        "Correct a slide",
        path={**ID, "position": "The slide's place, from 0."},
        body=SlidePatch,
        answers={200: PostSerializer},
        errors=[404, 409],
    )
    def patch(self, request: Request, id: str, position: str) -> Response:
        """Set a person's text or type, which no machine overwrites. Answers with the post."""
        post = find_post(id)
        slide = post.slides.filter(position=position).first() if _is_place(position) else None
        if slide is None:
            raise ApiProblem(404, "not_found", f"The post has no slide {position[:20]!r}.")
        body = read_body(request, SlidePatch, partial=True)
        try:
            services.correct_slide(
                post, slide.position, text=body.get("text"), slide_type=body.get("slideType")
            )
        except UNREADABLE as exc:
            raise conflict(exc.code, str(exc)) from exc
        return Response(post_answer(post.pk, base_url(request)))


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5


class PostCategoryView(APIView):
    """A post's category."""

    @operation(
        "setPostCategory",
        "Set a post's category",
        path=ID,
        body=PostCategoryPatch,
        answers={200: PostSerializer},
        errors=[404, 409],
    )
    def patch(self, request: Request, id: str) -> Response:
        """Set a person's choice, which no machine overwrites. Answers with the post."""
        post = find_post(id)
        key = read_body(request, PostCategoryPatch)["categoryId"]
        category = PostCategory.objects.filter(pk=key).first() if key else None
        if key and category is None:
            words = f"There is no category with the id {str(key)!r}."
            raise ApiProblem(400, "invalid", words, fields={"categoryId": [words]})
        try:
            services.set_post_category(post, category)
        except UNREADABLE as exc:
            raise conflict(exc.code, str(exc)) from exc
        return Response(post_answer(post.pk, base_url(request)))

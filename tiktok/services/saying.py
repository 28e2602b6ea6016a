"""Posts by what their captions and slides say."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from ocr import search
from ocr.search import Term
from tiktok.models import TikTokPost

# A word that fewer posts have is looked up once, and the posts are fetched by their ids. One that
# many have is looked up in the same statement, and one that is everywhere is looked for post by
# post while the list is walked in its order: the page is full before much of it was read.
RARE_POSTS = 2_000
EVERYWHERE = 0.2  # of all posts, as the planner estimates

SAID_BY = """
    SELECT post.id FROM tiktok_tiktokpost AS post WHERE UPPER(post.caption) LIKE UPPER(%s)
    UNION ALL
    SELECT post.id FROM ocr_slidereading AS slide
    JOIN tiktok_tiktokpost AS post ON post.reading_id = slide.reading_id
    WHERE slide.search_text <> '' AND {said}
"""
# The subquery yields a value, because the planner turns an EXISTS beside an OR into a scan of all
# slides.
SAYS = """
(UPPER(tiktok_tiktokpost.caption) LIKE UPPER(%s) OR COALESCE((
    SELECT true FROM ocr_slidereading AS slide
    WHERE slide.reading_id = tiktok_tiktokpost.reading_id AND {said} LIMIT 1
), false))
"""


def posts_saying(posts: QuerySet[TikTokPost], query: str) -> QuerySet[TikTokPost]:
    """Those of ``posts`` that have every term of ``query`` in the caption or on a slide.

    Raises ValueError, in words, where there is nothing to look for.
    """
    for term in search.parse(query):
        said, params = search.condition(Term(term.text, term.raw, term.is_phrase, False))
        params = [search.containing(term.raw), *params]
        says = RawSQL(SAYS.format(said=said), params, output_field=BooleanField())
        if term.is_excluded:
            posts = posts.exclude(says)
            continue
        ids = _posts_saying(SAID_BY.format(said=said), params)
        posts = posts.filter(says if ids is None else Q(pk__in=ids))
    return posts


def _posts_saying(statement: str, params: list[Any]) -> RawSQL | None:
    """The ids of the posts that a statement finds, as SQL; None if they are a large part of all."""
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} LIMIT {RARE_POSTS}", params)
        ids = [pk for (pk,) in cursor.fetchall()]
        if len(ids) < RARE_POSTS:
            return RawSQL("SELECT unnest(%s::uuid[])", [ids])
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", params)
        (plan,) = cursor.fetchone()
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'tiktok_tiktokpost'")
        (everything,) = cursor.fetchone()
    found = plan[0]["Plan"]["Plan Rows"]
    return RawSQL(statement, params) if found < EVERYWHERE * everything else None

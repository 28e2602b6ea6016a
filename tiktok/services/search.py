"""Posts and slides by what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from ocr import search
from ocr.models import SlideReading
from ocr.search import Term
from tiktok.models import TikTokPost

# Of a word that is on more slides than this, so many are looked at and put in order.
CANDIDATES = 5_000

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
FOUND = """
WITH candidate AS MATERIALIZED (
    SELECT slide.id, slide.reading_id, {rank} AS rank
    FROM ocr_slidereading AS slide
    WHERE slide.search_text <> '' AND {said} {narrowed}
    LIMIT {candidates}
)
SELECT candidate.id, post.id, candidate.rank, count(*) OVER ()
FROM candidate JOIN tiktok_tiktokpost AS post ON post.reading_id = candidate.reading_id
ORDER BY {order}, candidate.id
LIMIT %s OFFSET %s
"""
ALL_SAYING = "FROM ocr_slidereading AS slide WHERE slide.search_text <> ''"
HOW_OFTEN = """
SELECT count(*) FROM (
    SELECT FROM ocr_slidereading AS slide
    WHERE slide.search_text <> '' AND slide.search_text LIKE %s LIMIT {rare}
) AS seen
"""
ORDER = {
    "rank": "candidate.rank {0}, post.view_count DESC NULLS LAST",
    "viewCount": "post.view_count {0} NULLS LAST, candidate.rank DESC",
    "publishedAt": "post.published_at {0}, candidate.rank DESC",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A slide whose text matches, and the post it belongs to. ``rank`` is 0 to 1."""

    slide_reading_id: int
    post_id: UUID
    rank: float


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of a search. ``total`` counts at most ``CANDIDATES``."""

    hits: list[Hit]
    total: int


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


def slides_saying(slides: QuerySet[SlideReading], query: str) -> QuerySet[SlideReading]:
    """Those of ``slides`` that say every term of ``query``: all of them, however many.

    Raises ValueError, in words, where there is nothing to look for.
    """
    terms = search.parse(query)
    if _perhaps_misspelt(terms):  # so there are few
        hits = search_slides(terms, limit=CANDIDATES).hits
        return slides.filter(pk__in=[hit.slide_reading_id for hit in hits])
    conditions = [search.condition(term) for term in terms]
    said = " AND ".join(sql for sql, _ in conditions)
    params = [value for _, values in conditions for value in values]
    statement = f"SELECT slide.id {ALL_SAYING} AND {said}"
    return slides.filter(pk__in=RawSQL(statement, params))


@transaction.atomic
def search_slides(
    terms: Sequence[Term],
    *,
    posts: QuerySet[TikTokPost] | None = None,
    slide_type: str = "",
    ordering: str = "-rank",
    limit: int,
    offset: int = 0,
) -> Hits:
    """Slides that say ``terms`` (from ``ocr.search.parse``), of ``posts`` if given, best first."""
    misspelt = _perhaps_misspelt(terms)
    said: list[str] = []
    params: list[Any] = []
    for term in terms:
        sql, values = search.condition(term, nearly=term in misspelt)
        said.append(sql)
        params += values
    if slide_type:
        said.append("slide.slide_type = %s")
        params.append(slide_type)
    narrowed = ""
    if posts is not None:
        sql, filters = posts.order_by().values("reading_id").query.sql_with_params()
        narrowed = f"AND slide.reading_id IN ({sql})"
        params += filters
    rank, rank_params = search.rank([term for term in terms if not term.is_excluded])
    statement = FOUND.format(
        rank=rank,
        said=" AND ".join(said),
        narrowed=narrowed,
        candidates=CANDIDATES,
        order=ORDER[ordering.lstrip("-")].format("DESC" if ordering[0] == "-" else "ASC"),
    )
    with connection.cursor() as cursor:
        if misspelt:
            cursor.execute(
                "SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)",
                [str(search.NEARLY)],
            )
        cursor.execute(statement, [*rank_params, *params, limit, offset])
        rows = cursor.fetchall()
    hits = [Hit(slide, post, float(fits)) for slide, post, fits, _ in rows]
    return Hits(hits, rows[0][3] if rows else 0)


def _perhaps_misspelt(terms: Sequence[Term]) -> set[Term]:
    """Words that are on so few slides that words like them are looked for, too."""
    words = [term for term in terms if term.may_be_misspelt]
    if not words:
        return set()
    counts = ", ".join(f"({HOW_OFTEN.format(rare=search.RARE)})" for _ in words)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [search.containing(term.text) for term in words])
        seen = cursor.fetchone()
    return {term for term, n in zip(words, seen, strict=True) if n < search.RARE}

"""Slides by what they say, best first, with facets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from ocr import search
from ocr.lexemes import misspellings
from ocr.models import SlideReading
from ocr.search import Condition, Term
from tiktok.models import TikTokPost

# Of more hits than this, so many are counted and make the facets: those that the index yields
# first, by and large the slides that were stored first. An order by rank or by views is of these;
# a page by date is one of all hits.
CANDIDATES = 5_000
# Words that are on so many slides, as they stand, are not looked for inside of other words.
ENOUGH = 1_000

# The planner expects more of most words than there is, and would read all slides, or wake helpers,
# for what an index knows.
PLAIN = """
SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)
"""
FOUND = """
WITH candidate AS MATERIALIZED (
    SELECT slide.id, slide.reading_id, slide.slide_type, {rank} AS rank
    FROM ocr_slidereading AS slide
    WHERE slide.search_text <> '' AND {said} {narrowed}
    LIMIT {candidates}
), found AS MATERIALIZED (
    SELECT candidate.id, candidate.rank, candidate.slide_type, post.id AS post_id,
        post.profile_id, post.view_count, post.published_at, reading.category_id
    FROM candidate
    JOIN tiktok_tiktokpost AS post ON post.reading_id = candidate.reading_id
    JOIN ocr_reading AS reading ON reading.id = candidate.reading_id
)
SELECT (SELECT count(*) FROM found), ARRAY(
    SELECT jsonb_build_array(id, post_id, rank) FROM found
    ORDER BY {order}, id LIMIT %s OFFSET %s
), {facets}
"""
# The page by date of many hits: first among the posts at the top of the order, whose slides are
# looked at one by one (OFFSET 0 keeps the planner from asking an index of all slides for each
# post), then, if these do not fill the page, among all.
BY_DATE = """
SELECT slide.id, post.id, {rank} AS rank
FROM ({posts}) AS post JOIN {slides}
WHERE slide.search_text <> '' AND {said} {narrowed}
ORDER BY {order}, slide.id LIMIT %s OFFSET %s
"""
OF_EACH = """LATERAL (
    SELECT id, search_text, slide_type FROM ocr_slidereading
    WHERE reading_id = post.reading_id OFFSET 0
) AS slide ON true"""
OF_ALL = "ocr_slidereading AS slide ON slide.reading_id = post.reading_id"
TOP = 500  # posts: some 80 ms, and they fill a page of 50 if one slide in 80 is a hit
FACET = """ARRAY(
    SELECT jsonb_build_array({0}, count(*)) FROM found
    WHERE {0} IS NOT NULL AND {0}::text <> '' GROUP BY {0} ORDER BY count(*) DESC, {0} LIMIT {1}
)"""
ALL_SAYING = "FROM ocr_slidereading AS slide WHERE slide.search_text <> ''"
HOW_OFTEN = """
SELECT count(*) FROM (
    SELECT FROM ocr_slidereading AS slide WHERE slide.search_text <> '' AND {said} LIMIT {rare}
) AS seen
"""
KNOWN = f"""
SELECT word FROM unnest(%s::text[]) AS word CROSS JOIN LATERAL (
    SELECT {ALL_SAYING} AND {search.VECTOR} @@ quote_literal(word)::tsquery LIMIT 1
) AS slide
"""
MOST_VALUES = 20  # of a facet
FACETS = ", ".join(
    FACET.format(column, MOST_VALUES) for column in ("category_id", "slide_type", "profile_id")
)
ORDER = {
    "rank": "rank {0}, view_count DESC NULLS LAST",
    "viewCount": "view_count {0} NULLS LAST, rank DESC",
    "publishedAt": "published_at {0}, rank DESC",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A slide whose text matches, and the post it belongs to. ``rank`` is 0 to 1."""

    slide_reading_id: int
    post_id: UUID
    rank: float


@dataclass(frozen=True, slots=True)
class Facets:
    """How many of a search's hits have which value, most first; those that have none are left out.

    Of the first ``CANDIDATES`` hits, and at most ``MOST_VALUES`` values each.
    """

    categories: dict[UUID, int]
    slide_types: dict[str, int]
    profiles: dict[UUID, int]


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of a search. ``total`` counts at most ``CANDIDATES``."""

    hits: list[Hit]
    total: int
    facets: Facets


def slides_saying(slides: QuerySet[SlideReading], query: str) -> QuerySet[SlideReading]:
    """Those of ``slides`` that say every term of ``query``: all of them, however many.

    Raises ValueError, in words, where there is nothing to look for.
    """
    terms = search.parse(query)
    if _rare(terms):
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
    """Slides that say ``terms`` (from ``ocr.search.parse``), of ``posts`` if given, best first.

    Where ``ENOUGH`` slides have every term as a whole word, parts of other words are not looked for
    and all ranks are 1: that takes one look into the index of words. One to five statements.
    """
    looking = _Looking(posts, slide_type, ordering, limit, offset)
    narrowed = posts is not None or bool(slide_type)
    words = search.whole(terms)
    if words is not None:
        with connection.cursor() as cursor:
            cursor.execute(PLAIN)
    is_all = all(term.is_exact for term in terms)
    if words is None or not (is_all or not narrowed or _on_many_slides(words)):
        return looking.everything(terms)
    hits = looking.look("1.0::float8", [], words)
    return hits if is_all or narrowed or hits.total >= ENOUGH else looking.everything(terms)


def _on_many_slides(said: Condition) -> bool:
    """Whether ``ENOUGH`` slides fulfil this, whatever else a search asks for."""
    with connection.cursor() as cursor:
        cursor.execute(HOW_OFTEN.format(said=said[0], rare=ENOUGH), said[1])
        return bool(cursor.fetchall()[0][0] >= ENOUGH)


@dataclass(frozen=True, slots=True)
class _Looking:
    """What all looks of one search have in common."""

    posts: QuerySet[TikTokPost] | None
    slide_type: str
    ordering: str
    limit: int
    offset: int

    def everything(self, terms: Sequence[Term]) -> Hits:
        """Parts of words, too, and for rare words those that are nearly the same."""
        near = _near(terms)
        conditions = [search.condition(term, near=near.get(term, ())) for term in terms]
        said = " AND ".join(sql for sql, _ in conditions)
        params = [value for _, values in conditions for value in values]
        rank, rank_params = search.rank([term for term in terms if not term.is_excluded])
        return self.look(rank, rank_params, (said, params))

    def look(self, rank: str, rank_params: list[Any], said: Condition) -> Hits:
        """One page of the slides that fulfil ``said``: one statement, up to three by date."""
        narrowed, filters = self._of_type()
        if self.posts is not None:
            sql, values = self.posts.order_by().values("reading_id").query.sql_with_params()
            narrowed, filters = f"{narrowed} AND slide.reading_id IN ({sql})", [*filters, *values]
        statement = FOUND.format(
            rank=rank,
            said=said[0],
            narrowed=narrowed,
            candidates=CANDIDATES,
            order=self._order(),
            facets=FACETS,
        )
        params = [*rank_params, *said[1], *filters, self.limit, self.offset]
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            total, page, categories, slide_types, profiles = cursor.fetchall()[0]
        facets = Facets(
            {UUID(pk): count for pk, count in map(_decoded, categories)},
            dict(map(_decoded, slide_types)),
            {UUID(pk): count for pk, count in map(_decoded, profiles)},
        )
        if total >= CANDIDATES and self.ordering.endswith("publishedAt"):
            return Hits(self._by_date(rank, rank_params, said), total, facets)
        hits = [Hit(pk, UUID(post), float(fits)) for pk, post, fits in map(_decoded, page)]
        return Hits(hits, total, facets)

    def _by_date(self, rank: str, rank_params: list[Any], said: Condition) -> list[Hit]:
        """The page of all hits, not of the candidates alone."""
        narrowed, filters = self._of_type()
        posts = TikTokPost.objects.all() if self.posts is None else self.posts
        posts = posts.order_by("published_at" if self.ordering[0] != "-" else "-published_at")
        rows: list[Any] = []
        for chosen, slides in ((posts[:TOP], OF_EACH), (posts.order_by(), OF_ALL)):
            columns = chosen.values("id", "reading_id", "published_at")
            sql, values = columns.query.sql_with_params()
            statement = BY_DATE.format(
                rank=rank,
                posts=sql,
                slides=slides,
                said=said[0],
                narrowed=narrowed,
                order=self._order(),
            )
            params = [*rank_params, *values, *said[1], *filters, self.limit, self.offset]
            with connection.cursor() as cursor:
                cursor.execute(statement, params)
                rows = cursor.fetchall()
            if len(rows) == self.limit:
                break
        return [Hit(pk, post, float(fits)) for pk, post, fits in rows]

    def _order(self) -> str:
        order = ORDER[self.ordering.lstrip("-")]
        return order.format("DESC" if self.ordering[0] == "-" else "ASC")

    def _of_type(self) -> Condition:
        return ("AND slide.slide_type = %s", [self.slide_type]) if self.slide_type else ("", [])


def _decoded(value: Any) -> Any:
    """Django has the driver leave JSON as it is."""
    return json.loads(value) if isinstance(value, str) else value


def _near(terms: Sequence[Term]) -> dict[Term, list[str]]:
    """For rare words, those one slip away that some slide has."""
    rare = _rare(terms)
    slips = {slip for term in rare for slip in misspellings(term.text)}
    if not slips:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [sorted(slips)])
        known = {word for (word,) in cursor.fetchall()}
    return {term: sorted(known & misspellings(term.text)) for term in rare}


def _rare(terms: Sequence[Term]) -> set[Term]:
    """Words that are on so few slides that they may be misspelt.

    The index of words knows most of those that are not, at next to no cost.
    """
    words = [term for term in terms if term.may_be_misspelt]
    rare = _on_few_slides([(term, search.prefixed([term])) for term in words])
    return _on_few_slides([(term, search.condition(term)) for term in rare])


def _on_few_slides(asked: Sequence[tuple[Term, Condition]]) -> set[Term]:
    if not asked:
        return set()
    counts = ", ".join(f"({HOW_OFTEN.format(said=sql, rare=search.RARE)})" for _, (sql, _) in asked)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _, (_, values) in asked for value in values])
        seen = cursor.fetchall()[0]
    return {term for (term, _), n in zip(asked, seen, strict=True) if n < search.RARE}

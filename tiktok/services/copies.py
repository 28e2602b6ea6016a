"""Copies: slides that several accounts have posted, and who was first.

Two slides are the same if the bytes that we store of them are the same (SHA-256), or if they look
the same (``media_cache.services.families``: re-encoded, resized, lightly cropped) and say the same
words. Words, because at the size at which pictures are compared "Day 1" and "Day 2" on the same
ground look alike; a slide that was not read is a copy by its bytes alone. First is whose post was
published first, among the posts that we hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

# Few pictures are in more than one place: those are found through three indexes alone, without a
# look at the others, and only then is asked whose they are and what they say.
COPIES = """
WITH kin AS MATERIALIZED (
    SELECT asset_id, family FROM media_cache_fingerprint
    WHERE family < asset_id OR family > asset_id
),
candidate AS MATERIALIZED (
    SELECT id FROM media_cache_cacheasset WHERE sha256 <> '' AND sha256 IN (
        SELECT sha256 FROM media_cache_cacheasset WHERE sha256 <> ''
        GROUP BY sha256 HAVING count(*) > 1)
    UNION
    SELECT asset_id FROM tiktok_slide GROUP BY asset_id HAVING count(*) > 1
    UNION
    SELECT asset_id FROM kin
    UNION
    SELECT family FROM kin
),
shown AS MATERIALIZED (
    SELECT asset.sha256, asset.id AS asset_id, post.id AS post_id, post.profile_id,
           slide.position, post.published_at, looks.family,
           ocr_lexemes(reading.search_text) AS said
    FROM candidate
    JOIN media_cache_cacheasset AS asset ON asset.id = candidate.id AND asset.sha256 <> ''
    JOIN tiktok_slide AS slide ON slide.asset_id = asset.id
    JOIN tiktok_tiktokpost AS post ON post.id = slide.post_id
    LEFT JOIN media_cache_fingerprint AS looks ON looks.asset_id = asset.id
    LEFT JOIN ocr_slidereading AS reading ON reading.reading_id = post.reading_id
         AND reading.position = slide.position AND reading.text IS NOT NULL
),
use AS MATERIALIZED (
    SELECT *, coalesce(max(family::text) OVER same_bytes || max(said::text) OVER same_bytes,
                       sha256) AS picture
    FROM shown WINDOW same_bytes AS (PARTITION BY sha256)
),
picture AS (
    SELECT picture, count(DISTINCT profile_id) AS accounts, count(DISTINCT post_id) AS posts
    FROM use GROUP BY picture
    HAVING count(DISTINCT profile_id) > 1 AND {chosen}
),
page AS (
    SELECT *, count(*) OVER () AS total,
           row_number() OVER (ORDER BY accounts DESC, posts DESC, picture) AS place
    FROM picture ORDER BY accounts DESC, posts DESC, picture
    LIMIT %(limit)s OFFSET %(offset)s
),
told AS (
    SELECT page.total, page.place, page.accounts, page.posts, use.sha256, use.asset_id,
           use.post_id, use.profile_id, use.position,
           min(use.sha256) OVER all_uses = max(use.sha256) OVER all_uses AS is_exact,
           row_number() OVER (all_uses ORDER BY use.published_at, use.post_id, use.position) AS nth
    FROM page JOIN use USING (picture)
    WINDOW all_uses AS (PARTITION BY picture)
)
SELECT * FROM told WHERE nth <= %(uses)s ORDER BY place, nth
"""
USES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Use:
    """A slide with the picture. ``is_exact``: with the bytes of the first use."""

    asset_id: UUID
    post_id: UUID
    profile_id: UUID
    position: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture that several accounts have posted. ``uses`` are the earliest, the first first.

    ``sha256`` is that of the first use; ``is_exact``: of all uses, told or not.
    """

    sha256: str
    accounts: int
    posts: int
    is_exact: bool
    uses: list[Use]


@dataclass(frozen=True, slots=True)
class Copies:
    """One page; ``total`` counts the pictures of all."""

    copies: list[Copy]
    total: int


def find_copies(*, profile_id: UUID | None = None, limit: int, offset: int = 0) -> Copies:
    """Pictures in the posts of several accounts (one of them ``profile_id``), in one query.

    Those that most accounts have come first; at most ``USES_SHOWN`` uses are told of each.
    """
    chosen = "bool_or(profile_id = %(profile)s)" if profile_id else "true"
    parameters = {"profile": profile_id, "limit": limit, "offset": offset, "uses": USES_SHOWN}
    with connection.cursor() as cursor:
        cursor.execute(COPIES.format(chosen=chosen), parameters)
        rows = cursor.fetchall()
    copies: dict[int, Copy] = {}
    for _, place, accounts, posts, sha256, asset, post, profile, position, exact, _ in rows:
        copy = copies.setdefault(place, Copy(sha256, accounts, posts, exact, []))
        copy.uses.append(Use(asset, post, profile, position, sha256 == copy.sha256))
    return Copies(list(copies.values()), rows[0][0] if rows else 0)

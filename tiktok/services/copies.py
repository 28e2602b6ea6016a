"""Copies: pictures that several accounts have posted, and who was first.

Two slides are the same picture if the bytes that we store of them are the same (SHA-256). First is
whose post was published first, among the posts that we hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

# Few pictures are in more than one place: those are found through two indexes alone, without a
# look at the others, and only then is asked whose they are.
COPIES = """
WITH candidate AS MATERIALIZED (
    SELECT id FROM media_cache_cacheasset WHERE sha256 <> '' AND sha256 IN (
        SELECT sha256 FROM media_cache_cacheasset WHERE sha256 <> ''
        GROUP BY sha256 HAVING count(*) > 1)
    UNION
    SELECT asset_id FROM tiktok_slide GROUP BY asset_id HAVING count(*) > 1
),
use AS MATERIALIZED (
    SELECT asset.sha256, asset.id AS asset_id, post.id AS post_id, post.profile_id,
           slide.position, post.published_at
    FROM candidate
    JOIN media_cache_cacheasset AS asset ON asset.id = candidate.id AND asset.sha256 <> ''
    JOIN tiktok_slide AS slide ON slide.asset_id = asset.id
    JOIN tiktok_tiktokpost AS post ON post.id = slide.post_id
),
picture AS (
    SELECT sha256, count(DISTINCT profile_id) AS accounts, count(DISTINCT post_id) AS posts
    FROM use GROUP BY sha256
    HAVING count(DISTINCT profile_id) > 1 AND {chosen}
),
page AS (
    SELECT *, count(*) OVER () AS total,
           row_number() OVER (ORDER BY accounts DESC, posts DESC, sha256) AS place
    FROM picture ORDER BY accounts DESC, posts DESC, sha256
    LIMIT %(limit)s OFFSET %(offset)s
),
told AS (
    SELECT page.total, page.place, use.sha256, page.accounts, page.posts, use.asset_id,
           use.post_id, use.profile_id, use.position, use.published_at,
           row_number() OVER (PARTITION BY use.sha256
                              ORDER BY use.published_at, use.post_id, use.position) AS nth
    FROM page JOIN use USING (sha256)
)
SELECT * FROM told WHERE nth <= %(uses)s ORDER BY place, nth
"""
USES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Use:
    """A slide with the picture."""

    asset_id: UUID
    post_id: UUID
    profile_id: UUID
    position: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture that several accounts have posted. ``uses`` are the earliest, the first first."""

    sha256: str
    accounts: int
    posts: int
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
    copies: dict[str, Copy] = {}
    for _, _, sha256, accounts, posts, asset, post, profile, position, _, _ in rows:
        copy = copies.setdefault(sha256, Copy(sha256, accounts, posts, []))
        copy.uses.append(Use(asset, post, profile, position))
    return Copies(list(copies.values()), rows[0][0] if rows else 0)

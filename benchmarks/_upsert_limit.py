"""The limit of the upsert benchmark: one hand-written statement per page, one transaction each.

The same posts, slides, files, snapshots and totals into the same tables, and nothing decided:
no lock, no look at what is known, no reading to come, no worker to wake.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from carousel.lib.ids import uuid7
from tiktok.scraper.schemas import ScrapedPost

STATEMENT = """
WITH files AS (
    INSERT INTO media_cache_cacheasset
        (id, kind, source_key, source_urls, status, priority, attempts, error, error_code, sha256,
         storage_key, content_type, original_content_type)
    SELECT id, kind, source_key, ARRAY[url], 'pending', 10, 0, '', '', '', '', '', ''
    FROM unnest(%(file_ids)s::uuid[], %(file_kinds)s::text[], %(file_keys)s::text[],
                %(file_urls)s::text[]) AS fresh (id, kind, source_key, url)
    ON CONFLICT (source_key) DO UPDATE SET source_urls = EXCLUDED.source_urls
    RETURNING id, source_key
),
posts AS (
    INSERT INTO tiktok_tiktokpost
        (id, tiktok_id, profile_id, content_type, caption, title, published_at, hashtags, mentions,
         region, language, is_pinned, is_ad, is_paid_partnership, music_id, music_title,
         music_author, cover_id, slides_known, lookups, view_count, like_count, comment_count,
         share_count, save_count, last_seen_at, misses)
    SELECT page.id, tiktok_id, %(profile)s, 'photo', caption, title, published_at,
           %(tags)s::text[], %(mentions)s::text[], '', '', false, false, false, '', '', '',
           files.id, true, 0, views, likes, comments, shares, saves, %(captured_at)s, 0
    FROM unnest(%(ids)s::uuid[], %(tiktok_ids)s::text[], %(captions)s::text[], %(titles)s::text[],
                %(published)s::timestamptz[], %(covers)s::text[], %(views)s::bigint[],
                %(likes)s::bigint[], %(comments)s::bigint[], %(shares)s::bigint[],
                %(saves)s::bigint[])
         AS page (id, tiktok_id, caption, title, published_at, cover, views, likes, comments,
                  shares, saves)
    JOIN files ON files.source_key = page.cover
    ON CONFLICT (tiktok_id) DO UPDATE SET
        caption = EXCLUDED.caption, view_count = EXCLUDED.view_count,
        like_count = EXCLUDED.like_count, comment_count = EXCLUDED.comment_count,
        share_count = EXCLUDED.share_count, save_count = EXCLUDED.save_count,
        last_seen_at = EXCLUDED.last_seen_at
    RETURNING id, tiktok_id, view_count, like_count, comment_count, share_count, save_count
),
slides AS (
    INSERT INTO tiktok_slide (post_id, position, asset_id, width, height)
    SELECT posts.id, position, files.id, 1080, 1440
    FROM unnest(%(slide_posts)s::text[], %(slide_positions)s::smallint[], %(slide_keys)s::text[])
         AS fresh (tiktok_id, position, source_key)
    JOIN posts USING (tiktok_id) JOIN files USING (source_key)
    ON CONFLICT (post_id, position) DO NOTHING
),
snapshots AS (
    INSERT INTO tiktok_postmetrics
        (post_id, captured_at, view_count, like_count, comment_count, share_count, save_count)
    SELECT id, %(captured_at)s, view_count, like_count, comment_count, share_count, save_count
    FROM posts
)
UPDATE tiktok_tiktokprofile SET
    total_posts = %(total)s, total_views = sums.views, total_likes = sums.likes
FROM (SELECT sum(view_count) AS views, sum(like_count) AS likes FROM posts) AS sums
WHERE tiktok_tiktokprofile.id = %(profile)s
"""


def store(
    connection: psycopg.Connection[Any],
    profile: object,
    posts: Sequence[ScrapedPost],
    captured_at: datetime,
) -> None:
    """One page. The connection is in autocommit mode, so the statement is the transaction."""
    slides = [(post.tiktok_id, slide) for post in posts for slide in post.slides]
    files = [media for post in posts if (media := post.cover)]
    files += [slide.media for _, slide in slides]
    connection.execute(
        STATEMENT,
        {
            "profile": profile,
            "captured_at": captured_at,
            "total": len(posts),
            "tags": list(posts[0].hashtags),
            "mentions": list(posts[0].mentions),
            "file_ids": [uuid7() for _ in files],
            "file_kinds": [media.kind for media in files],
            "file_keys": [media.source_key for media in files],
            "file_urls": [media.urls[0] for media in files],
            "ids": [uuid7() for _ in posts],
            "tiktok_ids": [post.tiktok_id for post in posts],
            "captions": [post.caption for post in posts],
            "titles": [post.title for post in posts],
            "published": [post.published_at for post in posts],
            "covers": [post.cover.source_key for post in posts if post.cover],
            "views": [post.view_count for post in posts],
            "likes": [post.like_count for post in posts],
            "comments": [post.comment_count for post in posts],
            "shares": [post.share_count for post in posts],
            "saves": [post.save_count for post in posts],
            "slide_posts": [tiktok_id for tiktok_id, _ in slides],
            "slide_positions": [slide.position for _, slide in slides],
            "slide_keys": [slide.media.source_key for _, slide in slides],
        },
    )

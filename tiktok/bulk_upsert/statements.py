"""The SQL that stores a page of posts. Every statement takes a whole page as arrays."""

from __future__ import annotations

LOCK = """
SELECT id FROM tiktok_tiktokprofile
WHERE id = ANY(ARRAY(
    SELECT %(profile)s::uuid
    UNION ALL SELECT profile_id FROM tiktok_tiktokpost WHERE tiktok_id = ANY(%(ids)s::text[])
))
ORDER BY id FOR NO KEY UPDATE
"""

KNOWN = """
SELECT tiktok_id, reading_id, last_seen_run, ARRAY(
    SELECT asset_id FROM tiktok_slide WHERE post_id = post.id ORDER BY position
)
FROM tiktok_tiktokpost AS post WHERE tiktok_id = ANY(%(ids)s::text[])
"""

# `before` is what the posts looked like when the statement began; nobody else can change them,
# as we hold the locks of the profiles they belong to. A sighting is stale if the same run, or
# anybody later, has seen the post already: its numbers are then left as they are.
POSTS = """
WITH page AS MATERIALIZED (
    SELECT * FROM unnest(
        %(id)s::uuid[], %(tiktok_id)s::text[], %(content_type)s::text[], %(caption)s::text[],
        %(title)s::text[], %(published_at)s::timestamptz[], %(hashtags)s::text[],
        %(mentions)s::text[], %(region)s::text[], %(language)s::text[], %(is_pinned)s::bool[],
        %(is_ad)s::bool[], %(is_paid)s::bool[], %(is_deleted)s::bool[], %(duration_ms)s::int[],
        %(music_id)s::text[], %(music_title)s::text[], %(music_author)s::text[],
        %(music_asset)s::uuid[], %(cover)s::uuid[], %(video)s::uuid[], %(reading)s::uuid[],
        %(slides_known)s::bool[], %(views)s::bigint[], %(likes)s::bigint[],
        %(comments)s::bigint[], %(shares)s::bigint[], %(saves)s::bigint[]
    ) AS page (
        id, tiktok_id, content_type, caption, title, published_at, hashtags, mentions, region,
        language, is_pinned, is_ad, is_paid, is_deleted, duration_ms, music_id, music_title,
        music_author, music_asset, cover, video, reading, slides_known, views, likes, comments,
        shares, saves
    )
),
before AS MATERIALIZED (
    SELECT id, tiktok_id, profile_id, view_count, like_count, comment_count, share_count,
           save_count,
           coalesce(last_seen_at >= %(captured_at)s OR last_seen_run = %(run)s, false) AS stale
    FROM tiktok_tiktokpost WHERE tiktok_id = ANY(%(tiktok_id)s::text[])
),
written AS (
    INSERT INTO tiktok_tiktokpost AS post (
        id, tiktok_id, profile_id, content_type, caption, title, published_at, hashtags, mentions,
        region, language, is_pinned, is_ad, is_paid_partnership, duration_ms, music_id,
        music_title, music_author, music_asset_id, cover_id, video_id, reading_id, slides_known,
        lookups, view_count, like_count, comment_count, share_count, save_count, last_seen_at,
        last_seen_run, misses, missing_since
    )
    SELECT
        page.id, tiktok_id, %(profile)s, content_type, caption, title, published_at,
        string_to_array(hashtags, E'\\x1d'), string_to_array(mentions, E'\\x1d'),
        region, language, is_pinned, is_ad, is_paid, duration_ms, music_id,
        music_title, music_author, music_asset, cover, video, reading, slides_known, 0,
        CASE WHEN before.stale THEN before.view_count ELSE views END,
        CASE WHEN before.stale THEN before.like_count ELSE likes END,
        CASE WHEN before.stale THEN before.comment_count ELSE comments END,
        CASE WHEN before.stale THEN before.share_count ELSE shares END,
        CASE WHEN before.stale THEN before.save_count ELSE saves END,
        %(captured_at)s, %(run)s, 0, CASE WHEN is_deleted THEN %(captured_at)s END
    FROM page LEFT JOIN before USING (tiktok_id)
    ORDER BY tiktok_id
    ON CONFLICT (tiktok_id) DO UPDATE SET
        profile_id = EXCLUDED.profile_id,
        content_type = EXCLUDED.content_type,
        caption = EXCLUDED.caption,
        title = EXCLUDED.title,
        hashtags = EXCLUDED.hashtags,
        mentions = EXCLUDED.mentions,
        region = EXCLUDED.region,
        language = EXCLUDED.language,
        is_pinned = EXCLUDED.is_pinned,
        is_ad = EXCLUDED.is_ad,
        is_paid_partnership = EXCLUDED.is_paid_partnership,
        duration_ms = EXCLUDED.duration_ms,
        music_id = EXCLUDED.music_id,
        music_title = EXCLUDED.music_title,
        music_author = EXCLUDED.music_author,
        music_asset_id = coalesce(EXCLUDED.music_asset_id, post.music_asset_id),
        cover_id = coalesce(EXCLUDED.cover_id, post.cover_id),
        video_id = coalesce(EXCLUDED.video_id, post.video_id),
        reading_id = coalesce(post.reading_id, EXCLUDED.reading_id),
        slides_known = post.slides_known OR EXCLUDED.slides_known,
        view_count = EXCLUDED.view_count,
        like_count = EXCLUDED.like_count,
        comment_count = EXCLUDED.comment_count,
        share_count = EXCLUDED.share_count,
        save_count = EXCLUDED.save_count,
        last_seen_at = greatest(post.last_seen_at, EXCLUDED.last_seen_at),
        last_seen_run = coalesce(EXCLUDED.last_seen_run, post.last_seen_run),
        misses = 0,
        missing_since = CASE WHEN EXCLUDED.missing_since IS NOT NULL
                        THEN coalesce(post.missing_since, EXCLUDED.missing_since) END,
        updated_at = statement_timestamp()
    RETURNING id, tiktok_id, profile_id, view_count, like_count, comment_count, share_count,
              save_count
),
snapshots AS (
    INSERT INTO tiktok_postmetrics
        (post_id, captured_at, view_count, like_count, comment_count, share_count, save_count,
         decreased)
    SELECT now.id, %(captured_at)s, now.view_count, now.like_count, now.comment_count,
           now.share_count, now.save_count,
           coalesce(now.view_count < before.view_count OR now.like_count < before.like_count
                    OR now.comment_count < before.comment_count
                    OR now.share_count < before.share_count
                    OR now.save_count < before.save_count, false)
    FROM written AS now LEFT JOIN before USING (tiktok_id)
    WHERE before.id IS NULL
       OR (now.view_count, now.like_count, now.comment_count, now.share_count, now.save_count)
          IS DISTINCT FROM (before.view_count, before.like_count, before.comment_count,
                            before.share_count, before.save_count)
    ON CONFLICT (post_id, captured_at) DO NOTHING
    RETURNING 1
),
changes AS (
    SELECT profile_id, sum(posts) AS posts, sum(views) AS views, sum(likes) AS likes,
           sum(comments) AS comments, sum(shares) AS shares, sum(saves) AS saves
    FROM (
        SELECT profile_id, 1, view_count, like_count, comment_count, share_count, save_count
        FROM written
        UNION ALL
        SELECT profile_id, -1, -view_count, -like_count, -comment_count, -share_count, -save_count
        FROM before
    ) AS moved (profile_id, posts, views, likes, comments, shares, saves)
    GROUP BY profile_id
),
totals AS (
    UPDATE tiktok_tiktokprofile AS profile SET
        total_posts = total_posts + changes.posts,
        total_views = total_views + coalesce(changes.views, 0),
        total_likes = total_likes + coalesce(changes.likes, 0),
        total_comments = total_comments + coalesce(changes.comments, 0),
        total_shares = total_shares + coalesce(changes.shares, 0),
        total_saves = total_saves + coalesce(changes.saves, 0),
        updated_at = statement_timestamp()
    FROM changes WHERE profile.id = changes.profile_id
    RETURNING profile.id, total_posts
)
SELECT id, tiktok_id,
       (SELECT total_posts FROM totals WHERE totals.id = %(profile)s),
       (SELECT count(*) FROM snapshots)
FROM written
"""

# A shorter answer removes nothing: listings have been seen to come up short.
SLIDES = """
INSERT INTO tiktok_slide (post_id, position, asset_id, width, height)
SELECT post_id, position, asset_id, width, height
FROM unnest(%(posts)s::uuid[], %(positions)s::smallint[], %(assets)s::uuid[], %(widths)s::int[],
            %(heights)s::int[]) AS fresh (post_id, position, asset_id, width, height)
ORDER BY post_id, position
ON CONFLICT (post_id, position) DO UPDATE SET
    asset_id = EXCLUDED.asset_id, width = EXCLUDED.width, height = EXCLUDED.height
"""

"""The SQL behind ``formulas``: one statement for all posts of any number of accounts."""

from __future__ import annotations

from tiktok.insight.formulas import AGES, BASELINE_POSTS, CONFIDENT_FROM, GAINS, HOUR, YOUNG, Span

LOCK = """
SELECT id FROM tiktok_tiktokprofile WHERE id = ANY(%(profiles)s::uuid[])
ORDER BY id FOR NO KEY UPDATE
"""


def _views_at(moment: str, span: Span) -> str:
    """Views at a moment, as an aggregate over a post's sightings. Times are seconds as floats."""
    return f"""max(CASE
        WHEN at <= {moment} AND later > {moment} THEN CASE
            WHEN views_later = views OR later - at <= {span.apart}
            THEN round(views + (views_later - views) * (({moment} - at) / (later - at)))
            WHEN {moment} - at <= least({span.near}, later - {moment}) THEN views
            WHEN later - {moment} <= {span.near} THEN views_later END
        WHEN at <= {moment} AND later IS NULL THEN views
        WHEN at > {moment} AND earlier IS NULL AND at - {moment} <= {span.near} THEN views
    END)"""


def _gain(span: Span) -> str:
    return f"""CASE WHEN is_due THEN views - CASE
        WHEN seen - published >= {span.seconds} THEN series.before_{span.name} ELSE 0 END
        ELSE gain_{span.name} END AS gain_{span.name}"""


def _median(of: str, count: str) -> str:
    return f"""(SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY number)
        FROM (SELECT unnest({of}[{count} - {BASELINE_POSTS - 1}:{count}]) AS number) AS numbers)"""


def _score(span: Span) -> str:
    """What is final stays; else the ratio, where enough posts came before."""
    name = span.name
    return f"""coalesce(score_{name}, CASE
        WHEN placed.views_{name} IS NOT NULL AND before_{name} >= {CONFIDENT_FROM}
        THEN placed.views_{name} / nullif({_median(f"all_{name}", f"before_{name}")}, 0)
        END) AS score_{name}"""


_ARRAYS = ",\n".join(
    f"""array_agg(views_{age.name} ORDER BY published, id)
        FILTER (WHERE NOT is_pinned AND views_{age.name} IS NOT NULL) AS all_{age.name}"""
    for age in AGES
)
_BEFORE = ",\n".join(
    f"""count(*) FILTER (WHERE NOT is_pinned AND views_{age.name} IS NOT NULL)
        OVER earlier_posts AS before_{age.name}"""
    for age in AGES
)
COLUMNS = (
    *("outlier_score", "outlier_baseline", "outlier_n", "low_confidence", "engagement_rate"),
    *("like_rate", "comment_rate", "share_rate", "save_rate", "views_per_hour"),
    *(f"gain_{span.name}" for span in GAINS),
    *(f"views_{age.name}" for age in AGES),
    *(f"score_{age.name}" for age in AGES),
    "as_of",
)

# `compared` is materialized so that each median is worked out once, not where it is used.
# `is_due`: the post was seen since its row was written, so its series may have moved. The baseline
# of all others may have moved too, and is looked at again for each.
POSTS = f"""
WITH post AS MATERIALIZED (
    SELECT post.id, profile_id, content_type, is_pinned,
           date_part('epoch', published_at) AS published,
           date_part('epoch', coalesce(last_seen_at, post.updated_at)) AS seen,
           coalesce(last_seen_at, post.updated_at) AS seen_at,
           view_count AS views, view_count::float8 AS shown, like_count, comment_count,
           share_count, save_count,
           %(all)s OR coalesce(last_seen_at, post.updated_at) IS DISTINCT FROM as_of AS is_due,
           views_per_hour, {", ".join(f"gain_{span.name}" for span in GAINS)},
           {", ".join(f"views_{a.name} AS kept_{a.name}, score_{a.name}" for a in AGES)}
    FROM tiktok_tiktokpost AS post JOIN tiktok_postinsight AS known ON known.post_id = post.id
    WHERE profile_id = ANY(%(profiles)s::uuid[])
),
sighting AS (
    SELECT post.id, published, seen, date_part('epoch', captured_at) AS at, view_count AS views,
           date_part('epoch', lag(captured_at) OVER series) AS earlier,
           lag(view_count) OVER series AS views_earlier,
           date_part('epoch', lead(captured_at) OVER series) AS later,
           lead(view_count) OVER series AS views_later
    FROM post JOIN tiktok_postmetrics AS seen_then ON seen_then.post_id = post.id
    WHERE is_due AND view_count IS NOT NULL
    WINDOW series AS (PARTITION BY post.id ORDER BY captured_at)
),
series AS (
    SELECT id,
           max(CASE WHEN later IS NOT NULL THEN NULL
                    WHEN seen - at >= {HOUR} THEN 0
                    WHEN at - earlier >= {HOUR}
                    THEN (views - views_earlier) * {HOUR} / (at - earlier) END) AS velocity,
           {
    ", ".join(
        f"{_views_at(f'(seen - {span.seconds})', span)} AS before_{span.name}" for span in GAINS
    )
},
           {
    ", ".join(
        f"{_views_at(f'(published + {age.seconds})', age)} AS aged_{age.name}" for age in AGES
    )
}
    FROM sighting GROUP BY id
),
measured AS MATERIALIZED (
    SELECT post.id, profile_id, content_type, is_pinned, published, seen_at, views, shown,
           like_count, comment_count, share_count, save_count,
           seen - published >= {YOUNG} AND views IS NOT NULL AS is_ripe,
           CASE WHEN is_due THEN velocity ELSE views_per_hour END AS views_per_hour,
           {", ".join(_gain(span) for span in GAINS)},
           {
    ", ".join(
        f"coalesce(kept_{a.name}, CASE WHEN seen - published >= {a.seconds} "
        f"THEN aged_{a.name} END)::bigint AS views_{a.name}, score_{a.name}"
        for a in AGES
    )
}
    FROM post LEFT JOIN series USING (id)
),
grouped AS MATERIALIZED (
    SELECT profile_id, content_type,
           array_agg(views ORDER BY published, id)
               FILTER (WHERE is_ripe AND NOT is_pinned) AS all_views,
           {_ARRAYS}
    FROM measured GROUP BY profile_id, content_type
),
placed AS (
    SELECT measured.*,
           count(*) FILTER (WHERE is_ripe AND NOT is_pinned) OVER earlier_posts AS before_it,
           {_BEFORE}
    FROM measured
    WINDOW earlier_posts AS (
        PARTITION BY profile_id, content_type ORDER BY published, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
compared AS MATERIALIZED (
    SELECT placed.id, shown, is_ripe, least(before_it, {BASELINE_POSTS}) AS outlier_n,
           CASE WHEN before_it > 0 THEN {_median("all_views", "before_it")} END AS baseline,
           (like_count + comment_count + share_count + save_count) / nullif(shown, 0)
               AS engagement_rate,
           like_count / nullif(shown, 0) AS like_rate,
           comment_count / nullif(shown, 0) AS comment_rate,
           share_count / nullif(shown, 0) AS share_rate,
           save_count / nullif(shown, 0) AS save_rate,
           views_per_hour, {", ".join(f"gain_{span.name}" for span in GAINS)},
           {", ".join(f"placed.views_{age.name}" for age in AGES)},
           {", ".join(_score(age) for age in AGES)},
           seen_at AS as_of
    FROM placed JOIN grouped USING (profile_id, content_type)
),
fresh AS (
    SELECT *, CASE WHEN is_ripe THEN shown / nullif(baseline, 0) END AS outlier_score,
           baseline AS outlier_baseline, outlier_n < {CONFIDENT_FROM} AS low_confidence
    FROM compared
)
UPDATE tiktok_postinsight AS known
SET {", ".join(f"{name} = fresh.{name}" for name in COLUMNS)}
FROM fresh
WHERE known.post_id = fresh.id
  AND ({", ".join(f"known.{name}" for name in COLUMNS)})
      IS DISTINCT FROM ({", ".join(f"fresh.{name}" for name in COLUMNS)})
"""

PROFILES = f"""
WITH latest AS (
    SELECT profile_id, published_at,
           date_part('epoch', published_at - lag(published_at) OVER (
               PARTITION BY profile_id ORDER BY published_at, id)) AS gap,
           row_number() OVER (PARTITION BY profile_id ORDER BY published_at DESC, id DESC) AS place
    FROM tiktok_tiktokpost WHERE profile_id = ANY(%(profiles)s::uuid[])
),
cadence AS (
    SELECT profile_id, count(*) - 1 AS gaps,
           (count(*) - 1) * 7 * 86400
               / nullif(date_part('epoch', max(published_at) - min(published_at)), 0) AS per_week,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY gap)
               FILTER (WHERE place <= {BASELINE_POSTS}) / {HOUR} AS gap_hours
    FROM latest WHERE place <= {BASELINE_POSTS + 1} GROUP BY profile_id
)
INSERT INTO tiktok_profileinsight AS known
       (profile_id, posts_per_week, median_gap_hours, gaps)
SELECT profile_id, per_week, gap_hours, gaps FROM cadence ORDER BY profile_id
ON CONFLICT (profile_id) DO UPDATE SET
    posts_per_week = EXCLUDED.posts_per_week,
    median_gap_hours = EXCLUDED.median_gap_hours,
    gaps = EXCLUDED.gaps
WHERE (known.posts_per_week, known.median_gap_hours, known.gaps)
      IS DISTINCT FROM (EXCLUDED.posts_per_week, EXCLUDED.median_gap_hours, EXCLUDED.gaps)
"""

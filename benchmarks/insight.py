"""How fast scores are recomputed: for a million posts, and for one account after a run.

Accounts with equally many posts, each with up to four snapshots, made in the database; indexes and
checks that nothing here uses are dropped before. Everything is recomputed, then again with nothing
new. Beside it the limit: one hand-written statement that reads the same snapshots and posts and
writes each row once, without working anything out. Then runs: a page of posts of an account has
other numbers, and its insight is brought up to date as a run's end does it.
"""

from __future__ import annotations

import argparse
import random
import statistics
from typing import TYPE_CHECKING, Any

from _bench import conclude, median, product, ratio, say, scratch, timed

if TYPE_CHECKING:
    from uuid import UUID

    from django.db import models

NOW = "timestamptz '2026-11-01 12:00+00'"
EVERY = "interval '36 hours'"  # an account's posts are so far apart
SNAPSHOTS = (23, 95, 191, 719)  # hours after publication
PAGE = 30  # posts that a run sees again
POST_ID = "('00000000-0000-7000-8000-' || lpad(to_hex({0}), 12, '0'))::uuid"
PROFILE_ID = "('00000000-0000-7000-9000-' || lpad(to_hex({0}), 12, '0'))::uuid"
UNUSED = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT conrelid::regclass AS place, conname AS name FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN ('tiktok_tiktokpost'::regclass,
            'tiktok_postmetrics'::regclass, 'tiktok_postinsight'::regclass)
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.place, found.name); END LOOP;
    FOR found IN
        SELECT indexrelid::regclass AS name FROM pg_index
        WHERE indrelid = 'tiktok_tiktokpost'::regclass AND NOT indisunique
          AND indexrelid <> 'post_of_profile'::regclass
    LOOP EXECUTE format('DROP INDEX %s', found.name); END LOOP;
END $$
"""


def main() -> None:
    """Print one line of figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--profiles", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    each = options.posts // options.profiles
    with scratch() as folder, product(folder):
        making, _ = timed(lambda: make(options.profiles, each))
        figures = measure(options.profiles, each, options.runs)
    conclude("insight", {"making_rows_seconds": making, **figures})


def measure(profiles: int, each: int, runs: int) -> dict[str, Any]:
    """Everything once, again, the limit, and runs."""
    from tiktok.insight import recompute_all
    from tiktok.models import PostMetrics

    posts = profiles * each
    say(f"recomputing {posts} posts")
    seconds, changed = timed(recompute_all)
    if changed != posts:
        raise RuntimeError(f"{changed} rows of {posts} were written")
    check(profiles, each)
    again, changed = timed(recompute_all)
    if changed:
        raise RuntimeError(f"{changed} rows were written without need")
    say("the limit, and runs")
    limit, _ = timed(write_once)
    costs = [seen_again(account) for account in random.Random(5).sample(range(profiles), runs)]
    return {
        "posts": posts,
        "profiles": profiles,
        "snapshots": PostMetrics.objects.count(),
        "seconds": seconds,
        "posts_per_second": posts / seconds,
        "nothing_new_seconds": again,
        "limit_seconds": limit,
        "limit_ratio": ratio(seconds, limit),
        "runs": runs,
        "run_milliseconds": median(costs),
        "run_milliseconds_p95": statistics.quantiles(costs, n=20)[-1],
    }


def make(profiles: int, each: int) -> None:
    """The rows: a quarter of the posts are videos, one in fifty is pinned."""
    from tiktok.models import PostMetrics, TikTokPost, TikTokProfile

    say(f"making {profiles} accounts with {each} posts each")
    execute(UNUSED)
    age = f"({each} - n % {each}) * {EVERY}"
    passed = " + ".join(f"({age} > interval '{hours} hours')::int" for hours in SNAPSHOTS)
    base = "(1000 + n::bigint * 7919 % 99991)"
    insert(
        TikTokProfile,
        {
            "id": PROFILE_ID.format("n"),
            "tiktok_user_id": "n::text",
            "handle": "'account.' || n",
            "total_posts": str(each),
        },
        f"generate_series(0, {profiles - 1}) AS n",
    )
    insert(
        TikTokPost,
        {
            "id": POST_ID.format("n"),
            "tiktok_id": "n::text",
            "profile_id": PROFILE_ID.format(f"n / {each}"),
            "content_type": "CASE WHEN n % 4 = 0 THEN 'video' ELSE 'photo' END",
            "published_at": f"{NOW} - {age}",
            "is_pinned": "n % 50 = 7",
            "view_count": f"{base} * ({passed})",
            "like_count": f"{base} / 10",
            "comment_count": f"{base} / 100",
            "share_count": f"{base} / 50",
            "save_count": f"{base} / 20",
            "last_seen_at": NOW,
        },
        f"generate_series(0, {profiles * each - 1}) AS n",
    )
    for place, hours in enumerate(SNAPSHOTS, 1):  # as time has written them
        insert(
            PostMetrics,
            {
                "post_id": POST_ID.format("n"),
                "captured_at": f"{NOW} - {age} + interval '{hours} hours'",
                "view_count": f"{base} * {place}",
            },
            f"generate_series(0, {profiles * each - 1}) AS n WHERE {age} > "
            f"interval '{hours} hours'",
        )
    execute("VACUUM ANALYZE")


def insert(model: type[models.Model], values: dict[str, str], source: str) -> None:
    """Rows from SQL expressions; other columns get what the model gives them."""
    for field in model._meta.concrete_fields:
        name = str(field.column)
        if name in values or field.has_db_default() or field.primary_key:
            continue
        if field.has_default() or not field.null:
            given = field.get_default() if field.has_default() else ""
            values[name] = "'{}'" if given == [] else f"'{given}'"
    execute(
        f"INSERT INTO {model._meta.db_table} ({', '.join(values)})"
        f" SELECT {', '.join(values.values())} FROM {source}"
    )


def execute(statement: str) -> None:
    """One statement, committed at once."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def write_once() -> None:
    """The limit: the same rows read, each row written once."""
    execute(
        """
        UPDATE tiktok_postinsight AS known SET outlier_baseline = seen.most
        FROM (SELECT post.id, max(metrics.view_count) + max(post.view_count) AS most
              FROM tiktok_tiktokpost AS post
              JOIN tiktok_postmetrics AS metrics ON metrics.post_id = post.id
              GROUP BY post.id) AS seen
        WHERE known.post_id = seen.id
        """
    )


def check(profiles: int, each: int) -> None:
    """Work an account's scores out by hand. Raises RuntimeError where they differ."""
    from tiktok.models import TikTokPost

    profile = profile_id(profiles // 2)
    for kind in ("photo", "video"):
        earlier: list[int] = []
        posts = TikTokPost.objects.filter(profile=profile, content_type=kind)
        for post in posts.order_by("published_at").select_related("insight"):
            baseline = statistics.median(earlier[-30:]) if earlier else None
            views = post.view_count or 0
            wanted = views / baseline if baseline else None
            found = post.insight.outlier_score
            if (found is None) != (wanted is None) or abs((found or 0) - (wanted or 0)) > 1e-9:
                raise RuntimeError(f"{post}: the score is {found} instead of {wanted}")
            if not post.is_pinned:
                earlier.append(views)


def profile_id(account: int) -> UUID:
    """The key of an account by its number."""
    from tiktok.models import TikTokProfile

    return TikTokProfile.objects.only("pk").get(handle=f"account.{account}").pk


def seen_again(account: int) -> float:
    """Let the account's latest posts move, and return what bringing it up to date takes, in ms."""
    from tiktok.insight import recompute_insight

    profile = profile_id(account)
    execute(
        f"""
        WITH moved AS (
            UPDATE tiktok_tiktokpost SET view_count = view_count + 500,
                   last_seen_at = {NOW} + interval '1 day'
            WHERE id IN (SELECT id FROM tiktok_tiktokpost WHERE profile_id = '{profile}'
                         ORDER BY published_at DESC LIMIT {PAGE})
            RETURNING id, view_count, last_seen_at
        )
        INSERT INTO tiktok_postmetrics (post_id, captured_at, view_count)
        SELECT id, last_seen_at, view_count FROM moved
        """
    )
    seconds, changed = timed(lambda: recompute_insight([profile]))
    if not changed:
        raise RuntimeError("nothing was recomputed")
    return 1000 * seconds


if __name__ == "__main__":
    main()

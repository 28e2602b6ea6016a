"""Lists of posts through the API against bare SQL and a bare JSON dump of the same data.

    python benchmarks/api.py [--posts 100000] [--rounds 10]

A post has 8 slides with texts and files. The promise is for 1,000,000 posts (--posts 1000000);
the default is a tenth of that, so that it ends within minutes. Each list is asked for as page 1,
as a far page and filtered, 50 posts each. Beside it four statements, written for that list alone,
fetch the page's keys, posts, slides with their texts, and files, and json.dumps writes the rows.
Aim: 95th percentile under 3 times that, with a constant number of queries.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from typing import Any

from _bench import conclude, median, percentile, product, ratio, say, scratch, timed
from _corpus import fill_corpus, key

PAGE_SIZE = 50
POSTS = """
SELECT post.*, profile.handle, reading.status, reading.error, reading.completed_at,
    reading.engine, reading.category_id, category.name, reading.category_confidence,
    reading.category_source
FROM tiktok_tiktokpost AS post
JOIN tiktok_tiktokprofile AS profile ON profile.id = post.profile_id
LEFT JOIN ocr_reading AS reading ON reading.id = post.reading_id
LEFT JOIN ocr_postcategory AS category ON category.id = reading.category_id
WHERE post.id = ANY(%s)
"""
SLIDES = """
SELECT slide.post_id, slide.position, slide.width, slide.height, slide.asset_id, said.text,
    said.description, said.slide_type, said.confidence, said.source
FROM tiktok_slide AS slide
JOIN tiktok_tiktokpost AS post ON post.id = slide.post_id
LEFT JOIN ocr_slidereading AS said
    ON said.reading_id = post.reading_id AND said.position = slide.position
WHERE slide.post_id = ANY(%s)
"""
FILES = "SELECT * FROM media_cache_cacheasset WHERE id = ANY(%s)"

# What a list's request asks for, and the condition and order of the same keys.
Listing = tuple[dict[str, Any], str]


def listings(posts: int) -> dict[str, Listing]:
    """By name: the first page, a far one, and filtered ones."""
    far = min(10_000, posts // PAGE_SIZE - 1)
    newest = "ORDER BY published_at DESC, id DESC"
    viewed = "ORDER BY view_count DESC NULLS LAST, id DESC"
    middle = f"2024-01-01T00:00:00Z'::timestamptz + {posts // 2} * interval '1 minute"
    return {
        "first": ({}, newest),
        "far": ({"page": far}, f"{newest} OFFSET {(far - 1) * PAGE_SIZE}"),
        "viewed": ({"ordering": "-viewCount"}, viewed),
        "least_viewed": (
            {"ordering": "viewCount"},
            "ORDER BY view_count ASC NULLS LAST, id ASC",
        ),
        "profile": (
            {"profileId": "00000001-0000-7000-8000-000000000001"},
            f"WHERE profile_id = {key(1, '1')} {newest}",
        ),
        "category": (
            {"categoryId": "00000005-0000-7000-8000-000000000003"},
            "WHERE reading_id IN (SELECT id FROM ocr_reading WHERE category_id = "
            f"{key(5, '3')}) {newest}",
        ),
        "popular": (
            {"minViews": 9_000_000, "contentType": "photo"},
            f"WHERE view_count >= 9000000 AND content_type = 'photo' {newest}",
        ),
        "before": (
            {"publishedBefore": _moment(posts // 2)},
            f"WHERE published_at < '{middle}' {newest}",
        ),
        "read": (
            {"ocrStatus": "completed", "ordering": "-saveCount"},
            "WHERE reading_id IN (SELECT id FROM ocr_reading WHERE status = 'completed') "
            "ORDER BY save_count DESC NULLS LAST, id DESC",
        ),
    }


def _moment(minutes: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()


def main() -> None:
    """Fill, ask, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with scratch() as folder, product(folder, API_RATE="1000000/min", ALLOWED_HOSTS="testserver"):
        conclude("api", measure(options.posts, options.rounds))


def measure(posts: int, rounds: int) -> dict[str, Any]:
    """Fill the database and time every list."""
    import psycopg
    from django.conf import settings

    began = time.monotonic()
    connection = psycopg.connect(settings.DATABASE_URL, autocommit=True)
    with connection, connection.cursor() as cursor:
        fill_corpus(cursor, posts, own_assets=True)
        filled = time.monotonic() - began
        say(f"filled in {filled:.0f} s")
        return {"posts": posts, "slides": 8 * posts, "fill_s": filled, **ask(cursor, posts, rounds)}


def ask(cursor: Any, posts: int, rounds: int) -> dict[str, Any]:
    """Every list, ours and bare in turns; the first round warms up."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from carousel.tests.asking import client_for

    api = client_for("benchmark")
    ours: dict[str, list[float]] = {}
    bare: dict[str, list[float]] = {}
    queries: dict[str, int] = {}
    for number in range(rounds + 1):
        for name, (asked, chosen) in listings(posts).items():
            seconds, answer = timed(partial(api.get, "/api/tiktok/posts", asked))
            if answer.status_code != 200:
                raise RuntimeError(f"{name}: {answer.content!r}")
            by_hand, keys = timed(partial(dumped, cursor, chosen))
            if number:
                ours.setdefault(name, []).append(seconds)
                bare.setdefault(name, []).append(by_hand)
                continue
            found = [post["id"] for post in answer.json()["results"]]
            if found != keys:
                raise RuntimeError(f"{name}: the statement by hand finds other posts")
            with CaptureQueriesContext(connection) as seen:
                api.get("/api/tiktok/posts", {**asked, "pageSize": 5})
                few = len(seen)
            with CaptureQueriesContext(connection) as seen:
                api.get("/api/tiktok/posts", asked)
            queries[name] = len(seen) if len(seen) == few else -1
    return summed_up(ours, bare, queries)


def dumped(cursor: Any, chosen: str) -> list[str]:
    """Fetch what a page needs and write it as JSON; returns the keys."""
    cursor.execute(f"SELECT id FROM tiktok_tiktokpost AS post {chosen} LIMIT {PAGE_SIZE}")
    keys = [pk for (pk,) in cursor.fetchall()]
    posts = cursor.execute(POSTS, [keys]).fetchall()
    slides = cursor.execute(SLIDES, [keys]).fetchall()
    files = cursor.execute(FILES, [list({row[4] for row in slides})]).fetchall()
    json.dumps([posts, slides, files], default=str)
    return [str(pk) for pk in keys]


def summed_up(
    ours: dict[str, list[float]], bare: dict[str, list[float]], queries: dict[str, int]
) -> dict[str, Any]:
    """The figures, in milliseconds."""
    for name in ours:
        one, other = (1000 * percentile(times[name]) for times in (ours, bare))
        say(f"{name:13} {one:7.1f} ms, bare {other:7.1f} ms, {queries[name]} queries")
    p95 = percentile([t for times in ours.values() for t in times])
    limit = percentile([t for times in bare.values() for t in times])
    return {
        "p50_ms": 1000 * (median([t for times in ours.values() for t in times]) or 0),
        "p95_ms": 1000 * p95,
        "bare_p95_ms": 1000 * limit,
        "times_bare": ratio(p95, limit),
        "reached": p95 <= 3 * limit,
        "times_bare_each": {
            name: ratio(percentile(ours[name]), percentile(bare[name])) for name in ours
        },
        "queries": queries,
    }


if __name__ == "__main__":
    main()

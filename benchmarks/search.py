"""The search in slides: requests over 1,000,000 slides against hand-written SQL.

    python benchmarks/search.py [--slides 1000000] [--rounds 5]

Each query goes through the whole API (filters, ranking, facets, highlights, links) in this process;
beside it one SQL statement, written for that query alone, finds the same slides through the same
indexes and reads the 50 best with their posts. Aim: 95th percentile under 50 ms or under 3 times
that of the SQL, whichever is larger.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

from _bench import conclude, median, percentile, product, ratio, say, scratch, timed
from _corpus import SLIDES_PER_POST, fill_corpus, key, vocabulary

FOUND = """
SELECT slide.id, slide.text, post.id, post.view_count, post.published_at, profile.handle
FROM (SELECT * FROM ocr_slidereading AS slide WHERE search_text <> '' AND {} LIMIT 5000) AS slide
JOIN tiktok_tiktokpost AS post ON post.reading_id = slide.reading_id
JOIN tiktok_tiktokprofile AS profile ON profile.id = post.profile_id
ORDER BY post.view_count DESC NULLS LAST LIMIT 50
"""
WORDS = "ocr_lexemes(search_text) @@ $${}$$::tsquery"
OF_POST = (
    "EXISTS (SELECT FROM tiktok_tiktokpost AS post"
    " WHERE post.reading_id = slide.reading_id AND post.{})"
)


def queries() -> dict[str, tuple[dict[str, Any], str]]:
    """By kind: what is asked of the API, and the condition that a person would write for it."""
    from ocr.lexemes import misspellings

    words = vocabulary()
    common, usual, rare, rarest = words[0], words[200], words[5_000], words[-1]
    swapped = rarest[:2] + rarest[3] + rarest[2] + rarest[4:]
    slips = " | ".join(sorted(misspellings(swapped)))
    phrase = f"{words[1]} {words[2]}"
    return {
        "everywhere": ({"q": common}, WORDS.format(common)),
        "usual": ({"q": usual}, WORDS.format(usual)),
        "rare": ({"q": rare}, WORDS.format(rare)),
        "rarest": ({"q": rarest}, WORDS.format(rarest)),
        "part": ({"q": rare[1:]}, f"search_text LIKE '%{rare[1:]}%'"),
        "typo": (
            {"q": swapped},
            f"(search_text LIKE '%{swapped}%' OR " + WORDS.format(slips) + ")",
        ),
        "two": ({"q": f"{common} {usual}"}, WORDS.format(f"{common} & {usual}")),
        "phrase": (
            {"q": f'"{phrase}"'},
            WORDS.format(phrase.replace(" ", " & "))
            + f" AND search_text LIKE '%{phrase}%' AND search_text ~ '\\y{phrase}\\y'",
        ),
        "without": ({"q": f"{usual} -{common}"}, WORDS.format(f"{usual} & !{common}")),
        "cjk": ({"q": "中大"}, WORDS.format("中大")),
        "cjk_long": (
            {"q": "中大为上"},
            WORDS.format("中大 & 大为 & 为上") + " AND search_text LIKE '%中大为上%'",
        ),
        "thai": ({"q": "แมว"}, WORDS.format("แม & มว") + " AND search_text LIKE '%แมว%'"),
        "accents": ({"q": usual.replace("a", "à")}, WORDS.format(usual)),
        "nothing": ({"q": "zzzyyyxxxqqq"}, "search_text LIKE '%zzzyyyxxxqqq%'"),
        "of_profile": (
            {"q": common, "profileId": "00000001-0000-7000-8000-000000000001"},
            WORDS.format(common) + " AND " + OF_POST.format(f"profile_id = {key(1, '1')}"),
        ),
        "viewed": (
            {"q": usual, "minViews": "1000000"},
            WORDS.format(usual) + " AND " + OF_POST.format("view_count >= 1000000"),
        ),
        "hooks": (
            {"q": common, "slideType": "hook"},
            WORDS.format(common) + " AND slide_type = 'hook'",
        ),
    }  # fmt: skip


def main() -> None:
    """Fill, ask, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slides", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with scratch() as folder, product(folder, API_RATE="1000000/min", ALLOWED_HOSTS="testserver"):
        conclude("search", measure(options.slides, options.rounds))


def measure(slides: int, rounds: int) -> dict[str, Any]:
    """Fill the database and time every kind of query."""
    import psycopg
    from django.conf import settings

    began = time.monotonic()
    connection = psycopg.connect(settings.DATABASE_URL, autocommit=True)
    with connection, connection.cursor() as cursor:
        fill_corpus(cursor, slides // SLIDES_PER_POST, own_assets=False)
        filled = time.monotonic() - began
        say(f"filled in {filled:.0f} s")
        figures = ask(cursor, rounds)
        return {"slides": slides, "fill_s": filled, **figures, "index_mb": index_sizes(cursor)}


def ask(cursor: Any, rounds: int) -> dict[str, Any]:
    """Every query, ours and by hand in turns; the first round warms up."""
    from carousel.tests.asking import client_for

    api = client_for("benchmark")
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    found: dict[str, int] = {}
    cursor.execute("SET enable_seqscan = off; SET jit = off")  # the best that it can be
    for number in range(rounds + 1):
        for name, (asked, condition) in queries().items():
            seconds, answer = timed(partial(api.get, "/api/tiktok/search", asked))
            if answer.status_code != 200:
                raise RuntimeError(f"{name}: {answer.content!r}")
            by_hand, _ = timed(partial(fetched, cursor, FOUND.format(condition)))
            if number:
                ours.setdefault(name, []).append(seconds)
                theirs.setdefault(name, []).append(by_hand)
            found[name] = answer.json()["count"]
    return summed_up(ours, theirs, found)


def fetched(cursor: Any, statement: str) -> list[Any]:
    """The rows of a statement."""
    rows: list[Any] = cursor.execute(statement).fetchall()
    return rows


def summed_up(
    ours: dict[str, list[float]],
    theirs: dict[str, list[float]],
    found: dict[str, int],
) -> dict[str, Any]:
    """The figures, in milliseconds."""
    for name in ours:
        milliseconds = [1000 * (median(each[name]) or 0) for each in (ours, theirs)]
        say(f"{name:12} {milliseconds[0]:7.1f} ms, SQL {milliseconds[1]:7.1f} ms, {found[name]}")
    p95 = percentile([t for times in ours.values() for t in times])
    sql = percentile([t for times in theirs.values() for t in times])
    return {
        "p50_ms": 1000 * (median([t for times in ours.values() for t in times]) or 0),
        "p95_ms": 1000 * p95,
        "sql_p95_ms": 1000 * sql,
        "times_sql": ratio(p95, sql),
        "bound_ms": 1000 * max(0.05, 3 * sql),
        "reached": p95 <= max(0.05, 3 * sql),
        "median_ms": {name: 1000 * (median(times) or 0) for name, times in ours.items()},
        "sql_median_ms": {name: 1000 * (median(times) or 0) for name, times in theirs.items()},
    }


def index_sizes(cursor: Any) -> dict[str, float]:
    """Megabytes of the table and of each of its indexes."""
    cursor.execute(
        "SELECT relname, pg_table_size(oid) / 1e6 FROM pg_class WHERE oid = "
        "'ocr_slidereading'::regclass OR oid IN "
        "(SELECT indexrelid FROM pg_index WHERE indrelid = 'ocr_slidereading'::regclass)"
    )
    return {name: float(size) for name, size in cursor.fetchall()}


if __name__ == "__main__":
    main()

"""A database full of posts whose slides say something, drawn from stated distributions.

Words are Zipf-distributed over a made-up vocabulary; one slide in ten is written in a script
without spaces. Seeds are fixed. Rows go in by COPY and INSERT … SELECT, with the indexes that cost
most built at the end.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from _bench import say

SLIDES_PER_POST = 8
POSTS_PER_PROFILE = 100
VOCABULARY = 30_000
WORDS_PER_SLIDE = (4, 14)
TITLES = ("hook", "content", "content", "content", "content", "content", "content", "cta")
# fmt: off
CJK = (
    "的一是在不了有和人这中大为上个国我以"
    "要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所"
)
THAI = (
    "สวัสดี", "แมว", "อาหาร", "ท่องเที่ยว", "เรียน", "ภาษา",
    "วิธี", "ง่าย", "บ้าน", "รัก", "สุขภาพ", "ตอนเช้า",
)
# fmt: on
SYLLABLES = [
    a + b for a in "bcdfghjklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "in")
]


def key(kind: int, number: str = "n") -> str:
    """SQL for the id of row ``number`` of a table: the kind in front, so tables don't collide."""
    return f"('{kind:08x}-0000-7000-8000-' || lpad(to_hex({number}::bigint), 12, '0'))::uuid"


def vocabulary(seed: int = 1) -> list[str]:
    """Words of two to four syllables, most frequent first, each once."""
    drawn = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        words["".join(drawn.choices(SYLLABLES, k=drawn.choice((2, 3, 3, 4))))] = None
    return list(words)


def texts(count: int, seed: int = 2) -> Iterator[str]:
    """What so many slides say."""
    drawn = random.Random(seed)
    words = vocabulary()
    weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))
    low, high = WORDS_PER_SLIDE
    for number in range(count):
        if number % 20 == 7:
            yield "".join(drawn.choices(CJK, k=drawn.randint(6, 20)))
        elif number % 20 == 17:
            yield "".join(drawn.choices(THAI, k=drawn.randint(3, 8)))
        else:
            yield " ".join(drawn.choices(words, cum_weights=weights, k=drawn.randint(low, high)))


@contextmanager
def without_indexes(cursor: Any, *tables: str) -> Iterator[None]:
    """Within the block these tables have only the indexes of their constraints."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique",
        [list(tables)],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    cursor.execute("SET maintenance_work_mem = '512MB'")
    for name, definition in indexes:
        say(f"building {name}")
        cursor.execute(definition)


EMPTY = {"ArrayField": "'{}'", "BooleanField": "false", "CharField": "''", "TextField": "''"}


def fill(cursor: Any, model: Any, rows: str, **columns: str) -> None:
    """Insert a row of ``model`` for each row of ``rows`` (SQL after FROM, with a number ``n``).

    ``columns`` are SQL; columns that are left out are null, as by default, or empty.
    """
    from django.db.models import NOT_PROVIDED

    values = dict(columns)
    for field in model._meta.concrete_fields:
        given = field.column in values or field.null or field.db_default is not NOT_PROVIDED
        if not given and field.get_internal_type() != "BigAutoField":
            values[field.column] = EMPTY.get(field.get_internal_type(), "0")
    say(f"filling {model._meta.db_table}")
    table, names = model._meta.db_table, ", ".join(values)
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM {rows}")


def fill_corpus(cursor: Any, posts: int, *, own_assets: bool) -> None:
    """Profiles, posts, slides, readings and what these say; ``own_assets``: a file per slide, else
    a thousand files for all. Triggers and foreign keys are not checked meanwhile.
    """
    from media_cache.models import CacheAsset
    from ocr.models import PostCategory, Reading, SlideReading
    from tiktok.models import Slide, TikTokPost, TikTokProfile

    count = posts * SLIDES_PER_POST
    assets = count if own_assets else 1000
    kinds = "(ARRAY['" + "', '".join(TITLES) + f"'])[n % {SLIDES_PER_POST} + 1]"
    cursor.execute("SET session_replication_role = replica")
    tables = (m._meta.db_table for m in (TikTokProfile, TikTokPost, Slide, Reading, SlideReading))
    with without_indexes(cursor, *tables, CacheAsset._meta.db_table):
        numbers = "generate_series(0, {} - 1) AS n".format
        fill(cursor, PostCategory, numbers(12), id=key(5), name="'Category ' || n", active="true")
        fill(
            cursor, TikTokProfile, numbers(max(posts // POSTS_PER_PROFILE, 1)),
            id=key(1), tiktok_user_id="n::text", handle="'user' || n", nickname="'User ' || n",
            monitoring_interval_minutes="1440",
        )  # fmt: skip
        fill(
            cursor, CacheAsset, numbers(assets),
            id=key(4), kind="'image'", status="'completed'", source_key="'slide-' || n",
            source_urls="ARRAY['https://p16.tiktokcdn.com/' || n]",
            sha256="lpad(to_hex(n), 64, '0')",
            storage_key="'aa/' || lpad(to_hex(n), 64, '0') || '.jpg'", content_type="'image/jpeg'",
            original_content_type="'image/heic'", byte_size="200000", width="1080", height="1440",
        )  # fmt: skip
        fill(
            cursor, Reading, numbers(posts),
            id=key(3), status="'completed'", engine="'local'", completed_at="now()",
            category_id=key(5, "n * 7 % 12"), category_confidence="0.9", category_source="'ai'",
        )  # fmt: skip
        # Views are spread over six powers of ten; a post a minute.
        fill(
            cursor, TikTokPost, numbers(posts),
            id=key(2), tiktok_id="(7540000000000000000 + n)::text",
            profile_id=key(1, f"n % {max(posts // POSTS_PER_PROFILE, 1)}"),
            content_type="'photo'", caption="'caption of post ' || n || ' about things'",
            published_at="'2024-01-01'::timestamptz + n * interval '1 minute'",
            hashtags="ARRAY['one', 'two']", language="'en'", reading_id=key(3),
            slides_known="true",
            view_count="pow(10, 1 + 6 * (n::bigint * 7919 % 10007) / 10007.0)::bigint",
            like_count="n * 31 % 100003", save_count="n * 17 % 10007", comment_count="n % 97",
            share_count="n % 89",
        )  # fmt: skip
        fill(
            cursor, Slide, numbers(count),
            post_id=key(2, f"n / {SLIDES_PER_POST}"), position=f"n % {SLIDES_PER_POST}",
            asset_id=key(4, f"n % {assets}"), width="1080", height="1440",
        )  # fmt: skip
        cursor.execute("CREATE TEMPORARY TABLE said (n bigint, text text)")
        with cursor.copy("COPY said FROM STDIN") as copy:
            for number, text in enumerate(texts(count)):
                copy.write_row((number, text))
        fill(
            cursor, SlideReading, "said",
            reading_id=key(3, f"n / {SLIDES_PER_POST}"), position=f"n % {SLIDES_PER_POST}",
            asset_id=key(4, f"n % {assets}"), text="text", search_text="text", slide_type=kinds,
            description="'a picture'", confidence="0.9", source="'ai'",
        )  # fmt: skip
        cursor.execute("DROP TABLE said")
    cursor.execute("SET session_replication_role = origin")
    say("analyzing")
    cursor.execute("VACUUM ANALYZE")

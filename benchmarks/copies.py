"""Copies among 100,000 pictures: how fast they are placed, and how fast the list of them answers.

    python benchmarks/copies.py [--pictures 100000] [--copies 1000]

Pictures are drawn and have their real fingerprints. Most are in their families from the start; the
copies (brightened, with a grain, posted by another account with the same words) and what they are
copies of are placed while the clock runs. One family is a template: as many slides as there are
copies, that look the same and say something else each. Then the first page of copies is asked of
the API, beside the statement that finds exact copies alone by grouping all hashes and all slides.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from _bench import conclude, median, product, ratio, say, scratch, timed
from _corpus import SLIDES_PER_POST, fill_corpus
from numpy.typing import NDArray
from PIL import Image

ROUNDS = 20
APART = 6001  # posts between a picture and its copy, so that accounts differ
GROUPED = """
SELECT sha256 FROM media_cache_cacheasset WHERE sha256 <> '' GROUP BY sha256 HAVING count(*) > 1
UNION ALL
SELECT asset_id::text FROM tiktok_slide GROUP BY asset_id HAVING count(*) > 1
"""
COPY = """
COPY media_cache_fingerprint (asset_id, made_at, square, hashes, bands, family) FROM STDIN
"""
SAME_WORDS = """
UPDATE ocr_slidereading AS copy SET text = own.text, search_text = own.search_text
FROM unnest(%s::uuid[], %s::uuid[]) AS pair (own, copy), ocr_slidereading AS own
WHERE copy.reading_id = pair.copy AND own.reading_id = pair.own
  AND copy.position = 0 AND own.position = 0
"""


def main() -> None:
    """Fill, place, ask, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--copies", type=int, default=1_000)
    options = parser.parse_args()
    with scratch() as folder, product(folder, API_RATE="1000000/min", ALLOWED_HOSTS="testserver"):
        conclude("copies", measure(options.pictures, options.copies))


def measure(pictures: int, copies: int) -> dict[str, Any]:
    """Everything, in seconds and milliseconds."""
    import psycopg
    from django.conf import settings

    connection = psycopg.connect(settings.DATABASE_URL, autocommit=True)
    with connection, connection.cursor() as cursor:
        fill_corpus(cursor, pictures // SLIDES_PER_POST, own_assets=True)
        fill_fingerprints(cursor, pictures, copies)
        placed, seconds = place()
        found, asked = ask()
        if found != copies:
            raise RuntimeError(f"{found} copies of {copies} were found")
        exact = [timed(lambda: cursor.execute(GROUPED).fetchall())[0] for _ in range(ROUNDS)]
    return {
        "pictures": pictures,
        "copies": copies,
        "placed_per_second": placed / seconds,
        "list_ms": 1000 * (median(asked) or 0),
        "exact_sql_ms": 1000 * (median(exact) or 0),
        "times_sql": ratio(median(asked), median(exact)),
    }


def place() -> tuple[int, float]:
    """How many pictures got their family, and in how many seconds."""
    from media_cache.services import place_pictures

    say("placing")
    seconds, placed = timed(partial(place_pictures, seconds=600.0))
    return int(placed), seconds


def ask() -> tuple[int, list[float]]:
    """How many copies there are, and the seconds of each request for the first page."""
    from carousel.tests.asking import client_for

    api = client_for("benchmark")
    answers = [timed(lambda: api.get("/api/tiktok/copies")) for _ in range(ROUNDS + 1)]
    return answers[0][1].json()["count"], [seconds for seconds, _ in answers[1:]]


# --- What is looked at -------------------------------------------------------------------------


def fill_fingerprints(cursor: Any, pictures: int, copies: int) -> None:
    """A fingerprint per asset. First come the originals, a post apart; then their copies."""
    originals = {post * SLIDES_PER_POST for post in range(copies)}
    copied = {number + APART * SLIDES_PER_POST: number for number in originals}
    template = {number + 1 for number in originals}
    readings = [[asset_id(3, post + apart) for post in range(copies)] for apart in (0, APART)]
    cursor.execute(SAME_WORDS, readings)
    say(f"making {pictures} fingerprints")
    with cursor.copy(COPY) as copy:
        for number in range(pictures):
            square = drawn(1 if number in template else copied.get(number, number))
            if number in copied:
                square = changed(square, number)
            family: str | None = asset_id(4, number)
            if number in copied or number in originals:
                family = None
            elif number in template:
                family = asset_id(4, 1)
            copy.write_row((asset_id(4, number), "2026-01-01", *printed(square), family))
    cursor.execute("VACUUM ANALYZE media_cache_fingerprint")


def asset_id(kind: int, number: int) -> str:
    """As ``_corpus.key`` has it."""
    return f"{kind:08x}-0000-7000-8000-{number:012x}"


def drawn(seed: int) -> NDArray[np.uint8]:
    """A picture like no other: soft blots, and words as dashes somewhere on it."""
    from media_cache.fingerprint import SIDE

    draw = np.random.default_rng(seed)
    blots = Image.fromarray(draw.integers(0, 256, (16, 12), dtype=np.uint8))
    picture = np.array(blots.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    top, left = draw.integers(8, 80), draw.integers(4, 40)
    for row in range(top, top + 8 * draw.integers(2, 6), 8):
        right = left + 4 * draw.integers(8, 20)
        dashes = np.repeat(draw.random(32) < 0.7, 4)[: right - left]
        picture[row : row + 4, left:right] = np.where(dashes, 245, 20)
    return picture


def changed(square: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Brightened and grained, as a picture comes back from elsewhere."""
    grain = np.random.default_rng(seed).normal(0, 2, square.shape)
    found: NDArray[np.uint8] = np.clip(square * 1.06 + grain, 0, 255).astype(np.uint8)
    return found


def printed(square: NDArray[np.uint8]) -> Iterator[Any]:
    """What a row keeps of it."""
    from media_cache.fingerprint import hashes_of, pack, square_of

    luma = square.tobytes()
    hashes = hashes_of(square_of(luma))
    yield pack(luma)
    yield list(hashes.whole)
    yield list(hashes.bands)


if __name__ == "__main__":
    main()

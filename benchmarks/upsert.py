"""How fast pages of posts are stored: 30 posts with nine files each, first and again.

The second time every counter has changed and every link is fresh; a snapshot of the numbers is
kept both times. Beside it the rival (the old system's own stack, which keeps no history and
refreshes no link) and the limit (one hand-written statement per page into the same tables).
Aims: 60 % of the limit both times, 4 times the rival first and twice again. Into the same tables
the limit writes no readings to come, and it has no look at what is known, no locks and no message
to workers. All three commit each page to the same server, on the same disk and with the same fsync.
They take turns, a checkpoint before each, and the medians count.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _bench import Rival, Skipped, conclude, median, product, ratio, rival, say, scratch

if TYPE_CHECKING:
    from carousel.embedded.services import ServiceUrls
    from tiktok.models import TikTokProfile
    from tiktok.scraper.schemas import ScrapedMedia, ScrapedPost

POSTS, SLIDES = 30, 8  # of a page, of a post; a cover comes on top
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ROUNDS = ("first", "again")

Page = tuple["TikTokProfile", list["ScrapedPost"]]
Store = Callable[["TikTokProfile", Sequence["ScrapedPost"], datetime], object]


def media(kind: Any, key: str, signature: int) -> ScrapedMedia:
    """A file with one link, as long as TikTok's, which is another each time."""
    from tiktok.scraper.schemas import ScrapedMedia

    expires = 1_790_000_000 + signature
    url = (
        f"https://p16-common-sign.tiktokcdn-us.com/tos-useast5-i-photomode-tx/{key}"
        f"~tplv-photomode-image.heic?dr=9616&refresh_token={signature:08x}&x-expires={expires}"
        f"&x-signature={key[-12:]}{signature:020}%3D&t=4d5b0474&ps=13740610&shp=d05b14bd"
    )
    return ScrapedMedia(kind, key, (url,))


def page_of(profile: TikTokProfile, number: int, sighting: int) -> list[ScrapedPost]:
    """A page of a profile's posts as they look at one sighting."""
    from tiktok.scraper.schemas import ScrapedAuthor, ScrapedPost, ScrapedSlide

    author = ScrapedAuthor(profile.tiktok_user_id)
    posts = []
    for index in range(POSTS):
        tiktok_id = str(7_000_000_000_000_000_000 + number * POSTS + index)
        slides = tuple(
            ScrapedSlide(position, media("image", f"{tiktok_id}/{position}", sighting), 1080, 1440)
            for position in range(SLIDES)
        )
        posts.append(
            ScrapedPost(
                tiktok_id,
                author,
                "photo",
                NOON + timedelta(hours=index),
                f"https://www.tiktok.com/@_/photo/{tiktok_id}",
                caption="a description with #tags and @mentions " * 4,
                title=f"post {index}",
                hashtags=("a", "b", "c"),
                mentions=("x",),
                view_count=1000 * sighting + index,
                like_count=10 + sighting,
                comment_count=5 + sighting,
                share_count=3 + sighting,
                save_count=2 + sighting,
                cover=media("cover", f"{tiktok_id}/cover", sighting),
                slides=slides,
            )
        )
    return posts


def sightings(count: int) -> Iterator[list[Page]]:
    """Pages of new profiles in an emptied database, at first sight and the next day."""
    from django.db import connection

    from tiktok.models import TikTokProfile

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE tiktok_tiktokprofile, media_cache_cacheasset, ocr_reading CASCADE")
    profiles = TikTokProfile.objects.bulk_create(
        TikTokProfile(tiktok_user_id=f"66{number:017}", handle=f"h{number}")
        for number in range(count)
    )
    for sighting in range(len(ROUNDS)):
        yield [(profile, page_of(profile, n, sighting)) for n, profile in enumerate(profiles)]


def timed(count: int, store: Store) -> dict[str, float]:
    """Posts per second at first sight and again, a transaction per page."""
    speeds = {}
    for name, pages in zip(ROUNDS, sightings(count), strict=True):
        captured_at = NOON + timedelta(days=1 + ROUNDS.index(name))
        gc.collect()
        gc.freeze()  # a worker holds one page: the collector is not to walk through all of them
        began = time.perf_counter()
        for profile, posts in pages:
            store(profile, posts, captured_at)
        speeds[name] = count * POSTS / (time.perf_counter() - began)
    gc.unfreeze()
    check(count)
    return speeds


def checkpoint() -> None:
    """Have the server write down what came before, so that it costs the next one nothing."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def check(count: int) -> None:
    """Everything is there, with two snapshots per post, the newest numbers and links."""
    from media_cache.models import CacheAsset
    from tiktok.models import PostMetrics, Slide, TikTokPost

    posts = count * POSTS
    fresh = CacheAsset.objects.filter(source_urls__0__contains="refresh_token=00000001")
    found = {
        "posts": TikTokPost.objects.filter(view_count__gte=1000).count(),
        "slides": Slide.objects.count(),
        "files": fresh.count(),
        "snapshots": PostMetrics.objects.count(),
    }
    wanted = {
        "posts": posts,
        "slides": posts * SLIDES,
        "files": posts * (SLIDES + 1),
        "snapshots": 2 * posts,
    }
    if found != wanted:
        raise RuntimeError(f"stored {found}, expected {wanted}")


def ours(profile: TikTokProfile, posts: Sequence[ScrapedPost], captured_at: datetime) -> None:
    """The product's own way, readings to come and workers to wake included."""
    from tiktok.bulk_upsert import bulk_upsert

    bulk_upsert(profile, posts, captured_at=captured_at)


@contextlib.contextmanager
def limit(urls: ServiceUrls) -> Iterator[Store]:
    """The bare statement on a connection of its own."""
    import psycopg
    from _upsert_limit import store

    with psycopg.connect(urls.database_url, autocommit=True) as connection:
        yield lambda profile, posts, at: store(connection, profile.pk, posts, at)


def measure(
    options: argparse.Namespace, urls: ServiceUrls, bare: Store, other: Rival | None
) -> dict[str, Any]:
    """Ours, the limit and the rival in turn, several times; medians."""
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "limit": [], "rival": []}
    timed(3, ours), timed(3, bare)
    for _ in range(options.rounds):
        checkpoint()
        runs["ours"].append(timed(options.profiles, ours))
        checkpoint()
        runs["limit"].append(timed(options.profiles, bare))
        checkpoint()
        if other:
            told = other.run("upsert.ts", options.profiles, POSTS)
            runs["rival"].append({name: told[name]["posts_per_s"] for name in ROUNDS})
        for name, figures in runs.items():
            say(f"{name}: {figures[-1] if figures else 'skipped'}")
    speeds = {
        side: {name: median([run[name] for run in found]) for name in ROUNDS}
        for side, found in runs.items()
    }
    ratios = {
        f"ratio_{side}": {name: ratio(speeds["ours"][name], speeds[side][name]) for name in ROUNDS}
        for side in ("rival", "limit")
    }
    return {"unit": "posts/s", **speeds, **ratios}


def run(options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack) -> None:
    """Everything in turn; prints the line."""
    urls = stack.enter_context(product(folder))
    other, skipped = None, "not asked for"
    if not options.no_rival:
        try:
            other = stack.enter_context(rival(folder, urls))
            skipped = ""
        except Skipped as why:
            skipped = str(why)
    bare = stack.enter_context(limit(urls))
    figures = measure(options, urls, bare, other)
    figures |= {"profiles": options.profiles, "posts_per_page": POSTS, "files_per_post": SLIDES + 1}
    figures["rounds"] = options.rounds
    figures["reached"] = all(share and share >= 0.6 for share in figures["ratio_limit"].values())
    if skipped:
        say(f"rival skipped: {skipped}")
        figures["rival_skipped"] = skipped
    conclude("upsert", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profiles", type=int, default=60, help="pages in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-rival", action="store_true", help="leave the rival out")
    options = parser.parse_args()
    with scratch() as folder, contextlib.ExitStack() as stack:
        run(options, folder, stack)


if __name__ == "__main__":
    main()

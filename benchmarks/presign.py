"""Links to 500 files in one API answer, against 500 calls of boto3's generate_presigned_url.

    python benchmarks/presign.py [--files 500] [--rounds 30]

Posts of eight slides each, whose files are objects on a real S3 server (SeaweedFS). Measured are
the links alone, as the answer makes them, and the whole answer: queries, links, JSON. Beside it
boto3 with one client that is kept. The same run fetches every link of an answer and compares the
bytes, sees that a changed link is refused, and that links stay identical within a window of half
their life, so that browsers can cache. Aim: links at least 20 times faster.
"""

from __future__ import annotations

import argparse
import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from _bench import conclude, median, product, ratio, say, scratch
from _corpus import SLIDES_PER_POST, fill_corpus

AIM = 20  # times


def main() -> None:
    """Fill, ask, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    from carousel.tests.seaweed import seaweed

    with scratch() as folder:
        (folder / "s3").mkdir()
        with (
            seaweed(folder / "s3") as r2,
            product(folder, API_RATE="1000000/min", ALLOWED_HOSTS="testserver", **r2),
        ):
            conclude("presign", measure(r2, options.files, options.rounds))


def measure(r2: dict[str, str], files: int, rounds: int) -> dict[str, Any]:
    """Everything in turn. Raises RuntimeError where a link is not what it should be."""
    from django.db import connection

    posts = -(-files // SLIDES_PER_POST)
    with connection.cursor() as cursor:
        fill_corpus(cursor, posts, own_assets=True)
    contents = store_files()
    found = links_in_an_answer(posts)
    if found.keys() != contents.keys():
        raise RuntimeError(f"{len(found)} links for {len(contents)} files")
    check_links(found, contents)
    check_window(r2, found)
    figures = race(r2, list(found), posts, rounds)
    own, whole, other = (median(figures[name]) for name in ("links", "answer", "boto3"))
    say(f"{len(found)} links {own} ms, whole answer {whole} ms, boto3 {other} ms")
    times = ratio(other, own) or 0.0
    return {
        "ours": own,
        "boto3": other,
        "ratio": times,
        "unit": "ms",
        "reached": times >= AIM,
        "whole_answer": whole,
        "ratio_whole_answer": ratio(other, whole),
        "accepted": len(found),
        "identical_within_window": True,
        "n": len(found),
        "rounds": rounds,
    }


def store_files() -> dict[str, bytes]:
    """An object for each file, through the product's own storage; contents by key."""
    from media_cache.models import CacheAsset
    from media_cache.storage import media_storage, scratch_folder

    storage, contents = media_storage(), {}
    for key in CacheAsset.objects.values_list("storage_key", flat=True):
        contents[key] = f"the bytes of {key}".encode()
        path = scratch_folder() / "one"
        path.write_bytes(contents[key])
        storage.put(key, path, "image/jpeg", hashlib.sha256(contents[key]).hexdigest())
    return contents


def ask(posts: int) -> Callable[[], Any]:
    """A request for so many posts with all their slides."""
    from carousel.tests.asking import client_for

    api = client_for("benchmark")
    return lambda: api.get("/api/tiktok/posts", {"pageSize": posts})


def links_in_an_answer(posts: int) -> dict[str, str]:
    """Links by key, from two answers that must be the same (in one window)."""
    request = ask(posts)
    for _ in range(2):
        first, second = (request().json()["results"] for _ in range(2))
        if first == second:
            slides = [slide for post in first for slide in post["slides"]]
            urls = [slide["asset"]["url"] for slide in slides]
            return {url.partition("?")[0].partition("/media/")[2]: url for url in urls}
    raise RuntimeError("links change from one answer to the next")


def check_links(links: dict[str, str], contents: dict[str, bytes]) -> None:
    """The server gives each file for its link, and nothing for a link that was changed."""
    for key, url in links.items():
        if fetch(url) != (200, contents[key]):
            raise RuntimeError(f"the server did not accept the link to {key}")
    forged = url[:-1] + ("0" if url[-1] != "0" else "1")
    if fetch(forged)[0] != 403:
        raise RuntimeError("the server accepts any signature, so that it proves nothing")


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def check_window(r2: dict[str, str], links: dict[str, str]) -> None:
    """From its first second to its last, a window has the same links, and the next has others."""
    from django.conf import settings

    from media_cache.presign import Bucket, presigned_links, window_start

    seconds = settings.MEDIA_LINK_SECONDS
    start = window_start(time.time(), seconds)
    names = ("R2_ENDPOINT_URL", "R2_BUCKET_NAME", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")
    bucket = Bucket(*(r2[name] for name in names))
    moments = (start, start + seconds // 2 - 1, start + seconds // 2)
    first, last, following = (
        presigned_links(bucket, links, now=moment, seconds=seconds)[0] for moment in moments
    )
    if first != last or any(following[key] == first[key] for key in links):
        raise RuntimeError("a window's links are not identical, or the next one's are")


def race(r2: dict[str, str], keys: list[str], posts: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each round, in turns: links alone, a whole answer, boto3."""
    from carousel.tests.seaweed import BUCKET, client
    from media_cache.models import CacheAsset
    from media_cache.services import urls_for

    assets, boto3, request = list(CacheAsset.objects.all()), client(r2), ask(posts)

    def by_boto3() -> None:
        for key in keys:
            what = {"Bucket": BUCKET, "Key": key}
            boto3.generate_presigned_url("get_object", Params=what, ExpiresIn=3600)

    turns = {"links": lambda: urls_for(assets), "answer": request, "boto3": by_boto3}
    took: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, call in turns.items():
            began = time.perf_counter()
            call()
            if number:  # the first round warms up
                took[name].append(1000 * (time.perf_counter() - began))
    return took


if __name__ == "__main__":
    main()

"""What reading costs, and how fast it is.

Gemini: requests, bytes, tokens and dollars per 1,000 slides as its stand-in received them through
the real SDK, beside one request per post with full-size images (the old system's way); both texts
are compared. Tokens are the stand-in's: four characters of text each, images by Google's table.

Resolution: errors and tokens at each of Gemini's media resolutions and "auto", by a proxy
(``_legibility.py``).

Local reader: slides per second of two workers, from the database and the storage to the last row
read, beside the bare engine in a loop in two processes over the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from _bench import ROOT, conclude, product, ratio, running, say, scratch
from _legibility import labelled, resolutions
from _slides import Slide

from carousel.sandbox import draw
from carousel.sandbox.posts import Post
from carousel.sandbox.server import start
from ocr.engine import CategoryChoice, Context, PostRequest, SlideImage
from ocr.gemini import GeminiConfig, GeminiEngine, price_of
from ocr.local.reader import line_heights

PROCESSES = 2
MOST_REQUESTS, MOST_TOKENS, LEAST_SPEED, MOST_ERRORS = 0.1, 0.5, 0.9, 0.002
CONTEXT = Context(tuple(CategoryChoice(n) for n in ("Fitness", "Finance", "Travel", "Cooking")))


@dataclass
class Received:
    """What the stand-in was sent, and answered."""

    gemini: Any
    requests: int = 0
    sent_bytes: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    images: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Any) -> Any:
        """Let it answer, and count."""
        response = self.gemini.answer(request)
        body, usage = json.loads(request.body), json.loads(response.body)["usageMetadata"]
        self.requests += 1
        self.sent_bytes += len(request.body)
        self.input_tokens += usage["promptTokenCount"]
        self.output_tokens += usage["candidatesTokenCount"]
        usual = body["generationConfig"]["mediaResolution"]
        for part in body["contents"][0]["parts"]:
            if "inlineData" in part:
                level = part.get("mediaResolution", {}).get("level", usual)
                self.images[level.removeprefix("MEDIA_RESOLUTION_").lower()] += 1
        return response

    def figures(self, model: str) -> dict[str, Any]:
        """Per 1,000 slides."""
        share = 1000 / self.images.total()
        price = price_of(model, datetime.now(UTC).date())
        dollars = price.cost(self.input_tokens, self.output_tokens)
        return {
            "requests": self.requests * share,
            "megabytes": self.sent_bytes * share / 1e6,
            "input_tokens": self.input_tokens * share,
            "output_tokens": self.output_tokens * share,
            "tokens": (self.input_tokens + self.output_tokens) * share,
            "dollars": float(dollars) * share,
            "images_by_resolution": dict(self.images),
        }


def drawn_posts(world: Any, count: int) -> list[tuple[Post, list[bytes]]]:
    """Photo posts of the sandbox with their slides as JPEG files."""
    found: list[tuple[Post, list[bytes]]] = []
    for number in range(1, 1000):
        creator = world.by_handle(f"creator.{number}")
        for post in creator.posts(time.time()):
            if len(found) == count:
                return found
            if post.is_photo:
                slides = [draw.slide(post, slide.position) for slide in post.slides]
                found.append((post, [Slide("", "", picture).jpeg() for picture in slides]))
    return found


def requests_of(posts: Sequence[tuple[Post, list[bytes]]]) -> list[PostRequest]:
    """What a reader is asked about them."""
    return [
        PostRequest(
            post.id,
            post.caption,
            "",
            tuple(
                SlideImage(str(n), content, "image/jpeg", position=n)
                for n, content in enumerate(files)
            ),
        )
        for post, files in posts
    ]


def gemini(sandbox: Any, posts: Sequence[tuple[Post, list[bytes]]], most: int) -> dict[str, Any]:
    """Both ways to ask for the same posts."""
    base = GeminiConfig("k", base_url=sandbox.gemini_url)
    ways = {
        "ours": replace(
            base,
            media_resolution="auto",
            line_heights=line_heights,
            max_posts_per_request=most,
        ),
        "one_request_per_post": replace(base, max_posts_per_request=1),
    }
    honest, found, texts = sandbox.application.gemini, {}, {}
    for name, config in ways.items():
        sandbox.application.gemini = received = Received(honest)
        asked, read = requests_of(posts), []
        # As a worker has them in hand: no more than one request's worth of posts at a time.
        for first in range(0, len(asked), config.max_posts_per_request):
            some = asked[first : first + config.max_posts_per_request]
            read += GeminiEngine(config).read(some, CONTEXT)
        texts[name] = [[slide.text for slide in result.slides] for result in read]
        found[name] = received.figures(config.model)
    sandbox.application.gemini = honest
    ours, old = found["ours"], found["one_request_per_post"]
    return {
        "stand_in": True,
        "posts": len(posts),
        "slides": sum(len(files) for _, files in posts),
        "posts_per_request": most,
        "per_1000_slides": found,
        "same_text": texts["ours"] == texts["one_request_per_post"],
        **{
            f"{what}_to_old": ratio(ours[what], old[what])
            for what in ("requests", "tokens", "input_tokens", "dollars", "megabytes")
        },
    }


def workers(folder: Path, posts: Sequence[tuple[Post, list[bytes]]]) -> float:
    """Slides per second of two workers."""
    from carousel.lib.work import Status
    from ocr.models import Reading
    from ocr.services import ReadingRequest, request_readings

    command = [
        *(sys.executable, "-m", "celery", "-A", "carousel", "worker", "-Q", "ocr"),
        *("-c", str(PROCESSES), "-n", "ocr@benchmark"),
    ]
    warm, measured = posts[: 2 * PROCESSES], posts[2 * PROCESSES :]
    with running(command, log=folder / "workers.log"):
        for some in (warm, measured):
            wanted = [ReadingRequest(tuple(_stored(post, files))) for post, files in some]
            began = time.perf_counter()
            request_readings(wanted)
            while Reading.objects.exclude(status=Status.COMPLETED).exists():
                if time.perf_counter() - began > 300:
                    raise RuntimeError("the workers did not finish within five minutes")
                time.sleep(0.05)
            seconds = time.perf_counter() - began
    return sum(len(files) for _, files in measured) / seconds


def _stored(post: Post, files: Sequence[bytes]) -> list[Any]:
    """The ids of a post's slides, put into the storage."""
    from carousel.lib.work import Status
    from media_cache.models import CacheAsset
    from media_cache.storage import media_storage, scratch_folder

    ids = []
    for n, content in enumerate(files):
        digest = hashlib.sha256(content).hexdigest()
        key = f"{digest[:2]}/{digest}.jpg"
        path = scratch_folder() / digest
        path.write_bytes(content)
        media_storage().put(key, path, "image/jpeg", digest)
        asset = CacheAsset.objects.create(
            kind="image",
            source_key=f"{post.id}-{n}",
            status=Status.COMPLETED,
            storage_key=key,
            sha256=digest,
            content_type="image/jpeg",
            byte_size=len(content),
        )
        ids.append(asset.pk)
    return ids


def bare(folder: Path, files: Sequence[bytes]) -> float:
    """Slides per second of the bare engine in two processes."""
    pictures = folder / "pictures"
    pictures.mkdir()
    for n, content in enumerate(files):
        (pictures / f"{n:04}.jpg").write_bytes(content)
    moment = time.time() + 12
    command = [sys.executable, str(ROOT / "benchmarks" / "_reading_limit.py"), str(pictures)]
    started = [
        subprocess.Popen(
            [*command, str(n), str(PROCESSES), str(moment)], stdout=subprocess.PIPE, text=True
        )
        for n in range(PROCESSES)
    ]
    try:
        ended = [float(process.communicate(timeout=400)[0]) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    return len(files) / (max(ended) - moment)


def local(folder: Path, posts: Sequence[tuple[Post, list[bytes]]]) -> dict[str, Any]:
    """Ours and the limit, one after the other."""
    ours = workers(folder, posts)
    files = [content for _, files in posts[2 * PROCESSES :] for content in files]
    limit = bare(folder, files)
    return {
        "slides": len(files),
        "slides_per_second": ours,
        "bare_engine_per_second": limit,
        "to_bare_engine": ratio(ours, limit),
    }


def main() -> int:
    """Print the figures. Returns 1 if an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=48)
    args = parser.parse_args()
    with (
        scratch() as folder,
        product(folder, OCR_ENGINE="local"),
        start(port=0) as sandbox,
    ):
        from django.conf import settings

        say(f"drawing {args.posts} posts")
        posts = drawn_posts(sandbox.world, args.posts)
        say("asking Gemini's stand-in in two ways")
        asked = gemini(cast(Any, sandbox), posts, settings.OCR_POSTS_PER_REQUEST)
        say("reading reduced slides")
        shown = resolutions(labelled())
        say("reading on this machine")
        here = local(folder, posts)
    kept = (
        asked["same_text"]
        and asked["requests_to_old"] <= MOST_REQUESTS
        and asked["tokens_to_old"] <= MOST_TOKENS
        and here["to_bare_engine"] >= LEAST_SPEED
        and shown["auto"]["character_error_rate"]
        <= shown["high"]["character_error_rate"] + MOST_ERRORS
    )
    figures = {"gemini": asked, "resolution": shown, "local": here, "kept": kept}
    conclude("reading", figures)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

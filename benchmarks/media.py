"""How fast files are kept: from rows waiting to the last row stored.

N assets (half JPEG, a third HEIC, a sixth WebP, 1080 x 1440) from an origin that answers after
100 ms into an S3 sink, by real Celery workers. Beside it the rival (the old system's own stack, at
its best concurrency) and the limit (the same calls into C libraries in two bare processes). Then
the same without HEIC, where the network decides, beside a loop that does one file at a time; and
the time it takes to add 10,000 rows. ``reached`` in the JSON line says which aims were met.

    python benchmarks/media.py
    python benchmarks/media.py --no-rival --rounds 1 --n-network 20000   # is memory flat?
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _bench import (
    CORPORA,
    PEER,
    ROOT,
    Rival,
    Skipped,
    conclude,
    free_port,
    median,
    product,
    ratio,
    rival,
    running,
    say,
    scratch,
    wait_for_port,
)
from _processes import Watch, cpu_seconds

MIX = "jpg,jpg,jpg,heic,heic,webp"
MIX_WITHOUT_HEIC = "jpg,jpg,jpg,webp"
PROCESSES = 2
BUCKET = "media"
FLAT = 1.05  # times the first quarter's peak
LONGEST_GAP = 1.0  # seconds without the end of a row; a sweep comes every 15


@dataclass(frozen=True)
class World:
    """A media origin and an S3 sink on loopback."""

    origin: str
    s3: str
    media: Path

    def url(self, number: int, mix: str) -> str:
        kinds = mix.split(",")
        return f"{self.origin}/m/{number}.{kinds[number % len(kinds)]}"

    def reset(self) -> None:
        """Empty the sink."""
        urllib.request.urlopen(f"{self.s3}/-/reset").read()

    def stats(self) -> dict[str, int]:
        """What the sink holds and was given since it was emptied: ``objects``, ``puts``."""
        with urllib.request.urlopen(f"{self.s3}/-/stats") as answer:
            stats: dict[str, int] = json.load(answer)
        return stats


@contextlib.contextmanager
def world(folder: Path, latency_ms: int, slides: Path | None) -> Iterator[World]:
    """Start both. Raises Skipped where their sources aren't present."""
    if not (PEER.is_dir() and (CORPORA / "heif").is_dir()):
        raise Skipped("the origin's sources and photos are not beside this checkout")
    media, log = slides or folder / "slides", folder / "world.log"
    if not media.is_dir():
        say("making slides")
        make = [sys.executable, str(PEER / "make_media.py"), str(CORPORA / "heif"), str(media)]
        subprocess.run(make, check=True, stdout=sys.stderr)
    origin, s3 = free_port(), free_port()
    command = ["node", str(PEER / "world.mjs"), str(origin), str(s3), str(media), str(latency_ms)]
    with running(command, log=log) as process:
        wait_for_port(s3, process, log)
        yield World(f"http://127.0.0.1:{origin}", f"http://127.0.0.1:{s3}", media)


@dataclass(frozen=True)
class Round:
    """What one run over N assets cost. ``seconds`` from the commit to the last row stored."""

    count: int
    seconds: float
    adding_seconds: float
    cpu_seconds: float
    peak_bytes: int
    quarters: list[int]  # the peak in bytes of each quarter of its time
    longest_gap: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_seconds / self.count


class Ours:
    """The product: two worker processes of Celery on the queue of files."""

    def __init__(self, world: World, workers: subprocess.Popen[bytes]) -> None:
        self._world = world
        self._workers = workers

    def run(self, count: int, mix: str) -> Round:
        """Add ``count`` rows in one transaction and wait until all are stored."""
        from media_cache.models import CacheAsset

        self.rest()
        CacheAsset.objects.all().delete()
        self._world.reset()
        with Watch(self._workers.pid) as watch:
            adding, began = self._add(count, mix)
            while CacheAsset.objects.filter(status__in=("pending", "running")).exists():
                time.sleep(0.2)
                if self._workers.poll() is not None:
                    raise RuntimeError("the workers have ended")
        ended = CacheAsset.objects.filter(completed_at__isnull=False).order_by("completed_at")
        ends = [end for (end,) in ended.values_list("completed_at")]
        self._check(count)
        gaps = [later - earlier for earlier, later in zip([began, *ends], ends, strict=False)]
        return Round(
            count,
            seconds=(ends[-1] - began).total_seconds(),
            adding_seconds=adding,
            cpu_seconds=watch.cpu,
            peak_bytes=watch.peak,
            quarters=watch.quarters,
            longest_gap=max(gaps).total_seconds(),
        )

    def rest(self) -> None:
        """Wait until the workers do nothing: they make fingerprints when no file is waiting."""
        ends = time.monotonic() + 120
        used, seen_at = cpu_seconds(self._workers.pid), time.monotonic()
        while time.monotonic() < ends:
            time.sleep(1)
            now, at = cpu_seconds(self._workers.pid), time.monotonic()
            if now - used < 0.05 * (at - seen_at):
                return
            used, seen_at = now, at

    def _add(self, count: int, mix: str) -> tuple[float, Any]:
        """Seconds that adding took, and when it was committed by the database's clock."""
        from django.db import connection, transaction

        from media_cache.services import MediaRequest, request_media

        requests = [
            MediaRequest("image", f"slide/{number}", (self._world.url(number, mix),))
            for number in range(count)
        ]
        began = time.perf_counter()
        with transaction.atomic():
            request_media(requests)
            with connection.cursor() as cursor:
                cursor.execute("SELECT clock_timestamp()")
                (committed,) = cursor.fetchone()
        return time.perf_counter() - began, committed

    def _check(self, count: int) -> None:
        """Every row is stored as what it should be, and every object is there.

        The origin makes bytes unique behind the picture's end, where we cut them off: so there
        are as many objects as slides, and each is put again for each row.
        """
        from media_cache.models import CacheAsset

        wrong = CacheAsset.objects.exclude(status="completed")
        if row := wrong.first():
            raise RuntimeError(f"{wrong.count()} were not stored, such as {row}: {row.error}")
        if CacheAsset.objects.filter(content_type="image/heic").exists():
            raise RuntimeError("a HEIC was stored as it came")
        expected = CacheAsset.objects.values("storage_key").distinct().count()
        if (objects := self._world.stats()["objects"]) != expected:
            raise RuntimeError(f"{objects} objects, and rows that speak of {expected}")


@contextlib.contextmanager
def ours(world: World, folder: Path) -> Iterator[Ours]:
    """Start the workers and let them warm up on a few files."""
    log = folder / "workers.log"
    command = [
        *(sys.executable, "-m", "celery", "-A", "carousel", "worker", "-Q", "media-cache"),
        *("-c", str(PROCESSES), "-n", "media@benchmark"),
    ]
    with running(command, log=log) as process:
        side = Ours(world, process)
        side.run(8 * PROCESSES, MIX)
        side.run(64, MIX)
        yield side


@dataclass(frozen=True)
class Limit:
    """What bare processes make of the same files."""

    per_second: float
    cpu_ms: float  # per asset


def limit(world: World, count: int) -> Limit:
    """Bare processes that make the same calls into the same C libraries, and nothing else."""
    from media_cache.convert.process import _ENVIRONMENT as decoder_environment

    script = str(ROOT / "benchmarks" / "_media_limit.py")
    processes = [
        subprocess.Popen(
            [sys.executable, script, *map(str, (world.media, count, first, PROCESSES, MIX))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **decoder_environment},
            text=True,
        )
        for first in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0].split() for process in processes]
    seconds = max(float(clock) for clock, _ in told)
    return Limit(count / seconds, 1000 * sum(float(cpu) for _, cpu in told) / count)


def one_at_a_time(world: World, count: int) -> float:
    """Assets per second of a loop with one file in hand: fetch, hash, put. No HEIC."""
    import boto3
    import requests
    from botocore.config import Config

    s3 = boto3.client(
        "s3",
        endpoint_url=world.s3,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        region_name="auto",
        config=Config(s3={"addressing_style": "path"}),
    )
    session = requests.Session()
    began = time.perf_counter()
    for number in range(count):
        body = session.get(world.url(number, MIX_WITHOUT_HEIC), timeout=60).content
        key = hashlib.sha256(body).hexdigest()
        s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="image/jpeg")
    return count / (time.perf_counter() - began)


def best_concurrency(side: Rival, world: World, count: int) -> int:
    """The rival's best of 5 (the old default), 20 and 50 at a time."""
    speeds = {n: rival_round(side, world, count, n)["assets_per_s"] for n in (5, 20, 50)}
    best = max(speeds, key=lambda n: speeds[n])
    say(f"rival at 5, 20, 50: {[round(speeds[n], 1) for n in (5, 20, 50)]} assets/s")
    return best


def rival_round(side: Rival, world: World, count: int, concurrency: int) -> dict[str, Any]:
    """One run of the rival over the same kind of files."""
    world.reset()
    return side.run("media.ts", count, concurrency, ORIGIN=world.origin, S3=world.s3, MIX=MIX)


def mixed(
    side: Ours, other: Rival | None, world: World, options: argparse.Namespace
) -> dict[str, Any]:
    """Ours, the rival and the limit in turn, several times; medians."""
    rounds, rivals, limits = [], [], []
    concurrency = best_concurrency(other, world, options.n_rival // 3) if other else 0
    for _ in range(options.rounds):
        rounds.append(side.run(options.n, MIX))
        side.rest()
        limits.append(limit(world, options.n))
        if other:
            rivals.append(rival_round(other, world, options.n_rival, concurrency))
        told = f"{rivals[-1]['assets_per_s']:.1f}" if rivals else "skipped"
        say(
            f"ours {rounds[-1].per_second:.1f} assets/s ({rounds[-1].cpu_ms:.1f} ms of CPU each), "
            f"limit {limits[-1].per_second:.1f} ({limits[-1].cpu_ms:.1f} ms), rival {told}"
        )
    own = median([round.per_second for round in rounds])
    theirs = median([figures["assets_per_s"] for figures in rivals])
    bare = median([found.per_second for found in limits])
    return {
        "ours": own,
        "rival": theirs,
        "limit": bare,
        "ratio_rival": ratio(own, theirs),
        "ratio_limit": ratio(own, bare),
        "unit": "assets/s",
        "cpu_ms_per_asset": median([round.cpu_ms for round in rounds]),
        "limit_cpu_ms_per_asset": median([found.cpu_ms for found in limits]),
        "peak_mb": max(round.peak_bytes for round in rounds) / 1e6,
        "longest_gap_s": max(round.longest_gap for round in rounds),
        "rival_concurrency": concurrency or None,
        "rival_peak_mb": median([figures["rss_mb"] for figures in rivals]),
        "n": options.n,
        "n_rival": options.n_rival if other else None,
        "rounds": options.rounds,
    }


def without_heic(side: Ours, world: World, options: argparse.Namespace) -> dict[str, Any]:
    """Where the network decides: ours beside a loop that does one at a time."""
    alone = one_at_a_time(world, 50)
    result = side.run(options.n_network, MIX_WITHOUT_HEIC)
    say(f"no HEIC: {result.per_second:.1f} assets/s, one at a time {alone:.1f}")
    return {
        "ours": result.per_second,
        "one_at_a_time": alone,
        "ratio": ratio(result.per_second, alone),
        "cpu_ms_per_asset": result.cpu_ms,
        "peak_mb": result.peak_bytes / 1e6,
        "peak_mb_of_quarters": [peak / 1e6 for peak in result.quarters],
        "longest_gap_s": result.longest_gap,
        "adding_s": result.adding_seconds,
        "n": result.count,
    }


def reached(figures: dict[str, Any]) -> dict[str, bool | None]:
    """Which aims were met; None for those that could not be measured."""
    network = figures["without_heic"]
    first, *_, last = network["peak_mb_of_quarters"]
    rival_times, one_times = figures["ratio_rival"], network["ratio"]
    return {
        "5_times_rival": rival_times and rival_times >= 5,
        "70_percent_of_limit": figures["ratio_limit"] >= 0.7,
        "85_percent_of_limit": figures["ratio_limit"] >= 0.85,
        "without_heic_20_times_one_at_a_time": one_times >= 20,
        "without_heic_8_ms_of_cpu": network["cpu_ms_per_asset"] <= 8,
        "700_mb": max(figures["peak_mb"], network["peak_mb"]) <= 700,
        "memory_flat": last <= FLAT * first,
        "busy_to_the_end": max(figures["longest_gap_s"], network["longest_gap_s"]) < LONGEST_GAP,
        "10000_rows_added_in_3_s": network["adding_s"] * 10_000 / network["n"] < 3,
    }


def measure(options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack) -> None:
    """Everything in turn; prints the line."""
    place = stack.enter_context(world(folder, options.latency, options.slides))
    urls = stack.enter_context(
        product(
            folder,
            R2_ENDPOINT_URL=place.s3,
            R2_BUCKET_NAME=BUCKET,
            R2_ACCESS_KEY_ID="benchmark",
            R2_SECRET_ACCESS_KEY="benchmark-secret",
            MEDIA_ALLOW_LOOPBACK="True",
        )
    )
    other, skipped = None, "not asked for"
    if not options.no_rival:
        try:
            other = stack.enter_context(rival(folder, urls))
            skipped = ""
        except Skipped as why:
            skipped = str(why)
    side = stack.enter_context(ours(place, folder))
    figures = mixed(side, other, place, options)
    figures["without_heic"] = without_heic(side, place, options)
    figures["reached"] = reached(figures)
    figures |= {"latency_ms": options.latency, "processes": PROCESSES}
    if skipped:
        say(f"rival skipped: {skipped}")
        figures["rival_skipped"] = skipped
    conclude("media", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=1200, help="assets in each round")
    parser.add_argument("--n-rival", type=int, default=180, help="assets in the rival's rounds")
    parser.add_argument("--n-network", type=int, default=10_000, help="assets without HEIC")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=int, default=100, help="of the origin, in milliseconds")
    parser.add_argument("--slides", type=Path, help="where slides are, or are made, to be kept")
    parser.add_argument("--no-rival", action="store_true", help="leave the rival out")
    options = parser.parse_args()
    with scratch() as folder, contextlib.ExitStack() as stack:
        try:
            measure(options, folder, stack)
        except Skipped as why:
            say(f"skipped: {why}")
            conclude("media", {"skipped": str(why)})


if __name__ == "__main__":
    main()

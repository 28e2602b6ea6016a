"""Exports: a million slides as CSV, NDJSON and XLSX, and how much memory that takes.

    python benchmarks/export.py [--slides 1000000]

Each file is written by `manage.py export` in a process of its own, and fetched from the API of a
running web server; once a tenth of all slides, once all. Peak resident memory is that of the
process (as the kernel counted it), and of the server with its workers (looked at while it sends).
The promise: ten times the rows take at most a tenth more memory. Beside it the limit: one
hand-written COPY of the same columns.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _bench import ROOT, conclude, free_port, product, ratio, running, say, scratch, wait_for_port
from _corpus import SLIDES_PER_POST, fill_corpus
from _processes import Watch

KINDS = ("csv", "ndjson", "xlsx")
MORE_MEMORY = 1.1  # that ten times the rows may take
START = "2024-01-01T00:00:00Z"  # of the corpus, which has a post a minute
LIMIT = """
COPY (
    SELECT post.id, post.tiktok_id, profile.handle, post.published_at, post.view_count,
           category.name, slide.position, slide.slide_type, slide.text, slide.description,
           slide.language, slide.confidence, slide.source, asset.sha256
    FROM ocr_slidereading AS slide
    JOIN tiktok_tiktokpost AS post ON post.reading_id = slide.reading_id
    JOIN tiktok_tiktokprofile AS profile ON profile.id = post.profile_id
    JOIN ocr_reading AS reading ON reading.id = slide.reading_id
    LEFT JOIN ocr_postcategory AS category ON category.id = reading.category_id
    LEFT JOIN media_cache_cacheasset AS asset ON asset.id = slide.asset_id
    WHERE slide.text IS NOT NULL ORDER BY slide.id
) TO STDOUT WITH (FORMAT csv, HEADER)
"""


def main() -> None:
    """Fill, export, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slides", type=int, default=1_000_000)
    slides = parser.parse_args().slides
    with scratch() as folder, product(folder, API_RATE="1000000/min"):
        conclude("export", measure(folder, slides))


def measure(folder: Path, slides: int) -> dict[str, Any]:
    """Every way and kind, with a tenth of the slides and with all."""
    import psycopg
    from django.conf import settings

    connection = psycopg.connect(settings.DATABASE_URL, autocommit=True)
    with connection, connection.cursor() as cursor:
        fill_corpus(cursor, slides // SLIDES_PER_POST, own_assets=False)
        limit = copied(cursor, folder / "limit.csv")
    tenth, everything = until(slides // 10), until(slides)
    figures: dict[str, Any] = {"rows": slides, "copy_seconds": limit}
    with server(folder) as (address, token, pid):
        for kind in KINDS:
            say(f"exporting {kind}")
            file = folder / f"export.{kind}"
            few, _ = by_command(kind, file, tenth)
            peak, seconds = by_command(kind, file, everything)
            few_sent, _ = by_server(address, token, pid, kind, tenth)
            peak_sent, sent = by_server(address, token, pid, kind, everything)
            figures[kind] = {
                "file_mb": file.stat().st_size / 1e6,
                "command": told(few, peak, seconds, slides, limit),
                "api": told(few_sent, peak_sent, sent, slides, limit),
            }
    ways = [figures[kind][way] for kind in KINDS for way in ("command", "api")]
    worst = max(way["times_memory"] for way in ways)
    return {**figures, "worst_times_memory": worst, "reached": worst <= MORE_MEMORY}


def told(few: float, peak: float, seconds: float, rows: int, limit: float) -> dict[str, Any]:
    """The figures of one way to export: megabytes and seconds."""
    return {
        "tenth_peak_mb": few / 1e6,
        "peak_mb": peak / 1e6,
        "times_memory": peak / few,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "times_copy": ratio(seconds, limit),
    }


def until(slides: int) -> str:
    """The moment before which so many slides of the corpus were published."""
    minutes = slides // SLIDES_PER_POST
    began = time.strptime(START, "%Y-%m-%dT%H:%M:%SZ")
    moment = time.gmtime(time.mktime(began) - time.timezone + 60 * minutes)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)


def copied(cursor: Any, file: Path) -> float:
    """Seconds that the limit takes."""
    began = time.perf_counter()
    with file.open("wb") as out, cursor.copy(LIMIT) as copy:
        for block in copy:
            out.write(block)
    return time.perf_counter() - began


def by_command(kind: str, file: Path, before: str) -> tuple[float, float]:
    """Peak resident bytes and seconds of ``manage.py export``."""
    command = [sys.executable, "manage.py", "export", "--verbosity", "0", "slides"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--format", kind, "--until", before, "-o", str(file)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"export {kind} ended with {process.returncode}")
    return usage.ru_maxrss * 1024.0, time.perf_counter() - began


def by_server(address: str, token: str, pid: int, kind: str, before: str) -> tuple[float, float]:
    """Peak resident bytes of the server and seconds until the last byte has come."""
    query = urllib.parse.urlencode({"format": kind, "publishedBefore": before})
    request = urllib.request.Request(
        f"{address}/api/tiktok/search/export?{query}", headers={"Authorization": f"Token {token}"}
    )
    began = time.perf_counter()
    with Watch(pid, every=0.1) as watch, urllib.request.urlopen(request, timeout=900) as answer:
        while answer.read(1 << 20):
            pass
    return float(watch.peak), time.perf_counter() - began


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, str, int]]:
    """The web server as the Procfile has it, with one worker: its address, a token, its id."""
    from carousel.management.commands.create_token import token_for

    port = free_port()
    log = folder / "web.log"
    command = [str(Path(sys.executable).with_name("gunicorn")), "carousel.wsgi"]
    options = ["--worker-class", "carousel.web.Worker", "--workers", "1", "--threads", "4"]
    bound = ["--bind", f"127.0.0.1:{port}", "--timeout", "120", "--no-control-socket"]
    with running([*command, *options, *bound], log=log) as process:
        wait_for_port(port, process, log)
        yield f"http://127.0.0.1:{port}", token_for("benchmark", staff=False), process.pid


if __name__ == "__main__":
    main()

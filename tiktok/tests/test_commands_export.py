"""``manage.py export``: what it writes, what it refuses, and how little memory it takes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from carousel.tests.commands import run_command
from tiktok.tests.api.world import make_post, make_profile

MANY = 100_000
SNAPSHOTS = """
INSERT INTO tiktok_postmetrics (post_id, captured_at, view_count)
SELECT %s, '2026-01-01'::timestamptz + n * interval '1 minute', n
FROM generate_series(%s, %s) AS n
"""
# Runs the command and tells its peak of resident memory, in KiB.
MEASURED = """
import resource, sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "export", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.django_db
def test_lists_are_written_with_their_filters(tmp_path: Path) -> None:
    profile = make_profile("some.one")
    post = make_post(profile, texts=["Morning habits"], view_count=500)
    make_post(texts=["Evening walks"], view_count=5)
    file = tmp_path / "out.csv"
    for filters in (["--profile", "@Some.One"], ["--min-views", "100"], ["--search", "habits"]):
        answer = run_command("export", "posts", *filters, "-o", str(file))
        assert not answer.failure
        (row,) = csv.DictReader(file.open(newline=""))
        assert row["id"] == str(post.pk), filters
    for what, count in (("slides", 2), ("profiles", 2), ("runs", 0), ("post-metrics", 0)):
        run_command("export", what, "--format", "ndjson", "-o", str(file))
        assert len(list(map(json.loads, file.read_text().splitlines()))) == count, what
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.django_db
def test_what_can_not_be_done_is_one_line(tmp_path: Path) -> None:
    file = str(tmp_path / "out.csv")
    failure = run_command("export", "runs", "--min-views", "5", "-o", file).failure
    assert "--min-views: runs can't be filtered by that" in failure
    assert "not among the profiles" in run_command("export", "posts", "--profile", "x.y").failure
    assert "Write at least one word" in run_command("export", "slides", "--search=-x").failure
    failure = run_command("export", "posts", "-o", str(tmp_path / "posts.pdf")).failure
    assert "write one of .csv, .ndjson, .xlsx" in failure
    failure = run_command("export", "posts", "-o", str(tmp_path / "no" / "out.csv")).failure
    assert "Name a file that can be written" in failure


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_hundred_thousand_rows_take_no_more_memory_than_a_few(
    process_env: dict[str, str], tmp_path: Path, kind: str
) -> None:
    count = MANY if kind == "csv" else MANY // 5
    post = make_post(texts=())

    def peak() -> int:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "-v0", "post-metrics", f"--format={kind}", f"-o{file}"],  # noqa: E501
            env=process_env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(done.stdout)

    def fill(first: int, last: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(SNAPSHOTS, [post.pk, first, last])

    file = tmp_path / f"out.{kind}"
    fill(1, 2000)
    few = peak()
    fill(2001, count)
    many = peak()
    assert many - few < 16 * 1024, f"{few} KiB for 2,000 rows, {many} KiB for {count}"
    if kind == "csv":
        assert sum(1 for _ in file.open("rb")) == MANY + 1

"""What tests of processes share: running a script aside, and seeing what is left of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

# Scripts that need no more than carousel.embedded need not wait for Celery and Django.
BARE = """
import sys; sys.path.insert(0, "carousel/embedded")
import keep, pathlib; sys.path.pop(0)
keep.bare_package("carousel", pathlib.Path("carousel").resolve())
"""


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A short path for data, in memory where there is enough of it."""
    memory = Path("/dev/shm")
    spacious = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    path = Path(tempfile.mkdtemp(prefix="carousel-test-", dir=memory if spacious else None))
    path.chmod(0o755)
    try:
        yield path
        wait_until_gone(path)  # a keeper on its way out would make its folder anew
    finally:
        shutil.rmtree(path)


def processes(mentioning: str | Path) -> list[str]:
    """Command lines of living processes that mention a text, this one's and zombies excepted."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [
        " ".join(row)
        for row in rows
        if len(row) == 3 and not row[1].startswith("Z") and str(mentioning) in row[2]
    ]


def wait_until_gone(mentioning: str | Path, seconds: float = 10.0) -> None:
    """Wait until no process mentions the text; fails the test if some still do."""
    ends = time.monotonic() + seconds
    while left := processes(mentioning):
        assert time.monotonic() < ends, f"still there after {seconds} s: {left}"
        time.sleep(0.05)


def start(script: str, *arguments: str | Path, command: list[str] | None = None) -> Running:
    """Run a Python script in a process of its own, with this checkout as its home."""
    program = [sys.executable, "-u", "-c", BARE + script, *map(str, arguments)]
    return Running(
        subprocess.Popen(
            [*(command or []), *program],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    )


class Running:
    """A script that runs aside. Use it in a `with`, at the end of which it is killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def hear(self, text: str) -> str:
        """Wait for a line with `text` and give it; fails the test if the script ends without."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.strip())
            if text in line:
                return line.strip()
        raise AssertionError(f"it never said {text!r} but: {self.said}")

    def end(self, seconds: float = 30.0) -> int:
        """Wait for its end, reading what it says; gives the exit code."""
        assert self.process.stdout is not None
        self.said += [line.strip() for line in self.process.stdout]
        return self.process.wait(seconds)

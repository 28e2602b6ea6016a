"""What the tests of the scraper share: samples, error bodies, and how a call must fail."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from tiktok.scraper import Call, ScrapeError

KEY = "sc-very-secret-key"
POST = "https://www.tiktok.com/@stoolpresidente/video/7463250363559218474"


def sample(shared: Path, name: str) -> dict:
    found: dict = json.loads((shared / "samples" / name).read_text())
    return found


def error_body(shared: Path, status: int, words: str = "") -> dict | str:
    """One of the collected error bodies."""
    for entry in json.loads((shared / "samples/scrapecreators_error_bodies.json").read_text()):
        if entry["http"] == status and words in json.dumps(entry["body"]):
            body: dict | str = entry["body"]
            return body
    raise AssertionError(f"no body for {status} with {words!r}")


def refused(ask: Callable[[], object], calls: list[Call]) -> ScrapeError:
    """The error of a call that must fail, after checking that it was recorded and keeps quiet."""
    with pytest.raises(ScrapeError) as caught:
        ask()
    error = caught.value
    assert error.call is calls[-1]
    assert calls[-1].error_code == error.code
    told = "".join(traceback.format_exception(error)) + repr(calls) + repr(error.args)
    assert KEY not in told
    return error

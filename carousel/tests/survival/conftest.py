"""A small Carousel for tests to break."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carousel.sandbox.server import start
from carousel.tests.survival.installation import Installation, installation
from carousel.tests.survival.ticks import tick_fast


@pytest.fixture
def world() -> Iterator[Any]:
    """A sandbox whose clock stands still, so that no counter moves by itself."""
    with start(seed=1, now=time.time()) as sandbox:
        yield sandbox


@pytest.fixture
def installed(
    world: Any, transactional_db: None, empty_redis: None, tmp_path: Path
) -> Iterator[Installation]:
    """An installation whose processes a test starts as it needs them."""
    tick_fast()
    with installation(world, tmp_path) as made:
        yield made


@pytest.fixture
def tell(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], None]:
    """Print a line, whatever pytest captures."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def say(line: str) -> None:
        if reporter is not None:
            with capsys.disabled():
                reporter.write_line(f"\n  {line}")

    return say

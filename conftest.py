"""What every test shares: a closed network, real servers, and hands to move the work along."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from carousel.tests.settings import SERVERS

SHARED = Path(settings.BASE_DIR).parent / "shared"


@pytest.fixture(autouse=True)
def _closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond loopback; an attempt fails the test."""
    connect = socket.socket.connect

    def guarded(sock: socket.socket, address: Any) -> None:
        inside = sock.family == socket.AF_UNIX or str(address[0]) in (
            "127.0.0.1",
            "::1",
            "localhost",
        )
        assert inside, f"a test tried to reach {address}"
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_host_is_held() -> Iterator[None]:
    """What a test's origin did to its port says nothing about the next test's."""
    yield
    from media_cache.services.hosts import BACKOFF, HOLDS, forget_holds

    if HOLDS.known():
        forget_holds()
    BACKOFF.forget()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real answers and hostile files, where it is present."""
    if not SHARED.is_dir():
        pytest.skip("the folder of samples and corpora is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def servers() -> Iterator[Any]:
    """PostgreSQL and Valkey of this pytest process, as ``carousel.embedded.services.Services``."""
    from carousel.embedded.services import Services

    services = Services(SERVERS, fsync=False)
    try:
        services.start(database=True, redis=True)
        yield services
    finally:
        services.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None) -> None:
    """pytest-django asks for this before it creates the test database."""


@pytest.fixture
def empty_redis(servers: None) -> None:
    """Redis without a key, as after a wipe."""
    import redis

    redis.Redis.from_url(settings.REDIS_URL).flushall()


@pytest.fixture(scope="session")
def sandbox_server(servers: None) -> Iterator[Any]:
    from carousel.sandbox.server import start

    with start(seed=1) as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: Any, settings: Any) -> Iterator[Any]:
    """The stand-ins for ScrapeCreators, TikTok's CDN and Gemini; the product is pointed at them."""
    settings.SCRAPECREATORS_BASE_URL = sandbox_server.url
    settings.SCRAPECREATORS_KEY_IN_USE = "sandbox"
    sandbox_server.reset()
    yield sandbox_server
    sandbox_server.reset()


@pytest.fixture
def run_due() -> Callable[[], int]:
    """Work on everything that is due, in this process, until nothing is. Needs transactional_db."""
    from carousel.lib.drain import drain
    from media_cache.services import FLOW as media
    from ocr.services import FLOW as reading
    from tiktok.services import FLOW as monitoring
    from tiktok.services import LINK_FLOW as links

    def run() -> int:
        total = 0
        while count := drain(monitoring) + drain(links) + drain(media) + drain(reading):
            total += count
        return total

    return run


@pytest.fixture
def process_env(transactional_db: None, tmp_path: Path) -> dict[str, str]:
    """The environment in which a process of the product works on this test's database."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    host = quote(str(SERVERS.run), safe="")
    return {
        **os.environ,
        "DATABASE_URL": f"postgresql://app@/{name}?host={host}",
        "DJANGO_SETTINGS_MODULE": "carousel.settings",
        "SCRAPECREATORS_BASE_URL": settings.SCRAPECREATORS_BASE_URL,
        "TMPDIR": str(tmp_path),  # a worker that is killed leaves its folder there
    }


@pytest.fixture
def start_worker(process_env: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start real Celery workers; those still alive at the end are killed, children too."""
    started: list[subprocess.Popen[bytes]] = []

    def start(queues: str, *, concurrency: int = 1, **env: str) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "celery", "-A", "carousel", "worker", "-Q", queues),
            *("-c", str(concurrency), "--without-gossip", "--without-mingle"),
            *("-n", f"w{len(started)}@test"),
        ]  # fmt: skip
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env={**process_env, **env}, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        finally:
            process.wait()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until something is true, or fail after some seconds."""

    def wait(condition: Callable[[], bool], seconds: float = 20.0) -> None:
        ends = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends, f"not true after {seconds} s"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """SeaweedFS, a real S3 server that checks signatures, expiry and checksums; as settings."""
    from carousel.tests.seaweed import seaweed

    with seaweed(tmp_path_factory.mktemp("s3")) as environment:
        yield environment


@pytest.fixture
def s3(s3_server: dict[str, str], settings: Any) -> dict[str, str]:
    """The media storage is a bucket on the S3 server."""
    from carousel.settings import s3_storage

    settings.STORAGES = {**settings.STORAGES, "media": s3_storage(s3_server)}
    return s3_server

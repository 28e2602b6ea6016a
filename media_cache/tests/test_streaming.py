"""A file of any size goes through a worker without staying in its memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from media_cache.models import CacheAsset
from media_cache.storage import media_storage
from media_cache.tests.origin import Origin
from media_cache.tests.test_convert_video import box, movie_header, track

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = 200 * 1024**2  # bytes
MOST = 64 * 1024  # KiB that a worker may grow by
CHUNK = bytes(1024**2)


def film(size: int) -> Iterator[bytes]:
    """An HTTP answer with an MP4 of ``size`` bytes of picture data, made as it is sent."""
    head = box(b"ftyp", b"isom\0\0\0\0isom")
    head += box(b"moov", movie_header(1000, 60_000), track(offsets=(600,)))
    head += (size + 8).to_bytes(4) + b"mdat"
    yield f"HTTP/1.1 200 OK\r\nContent-Length: {len(head) + size}\r\n\r\n".encode() + head
    for _ in range(size // len(CHUNK)):
        yield CHUNK


class Films(dict[str, object]):
    """Answers each path with a new film: of a megabyte, or a large one."""

    def get(self, target: str, default: object = None) -> Iterator[bytes]:
        return film(LARGE if target == "/large" else len(CHUNK))


@pytest.mark.parametrize("storage", ["files", "s3"])
def test_a_large_video_does_not_grow_a_worker(
    storage: str, process_env: dict[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    env = {**process_env, "MEDIA_ROOT": str(tmp_path)}
    if storage == "s3":
        env |= request.getfixturevalue("s3")
    with Origin() as origin:
        origin.answers = Films()  # type: ignore[assignment]
        command = [sys.executable, "-m", "media_cache.tests.streaming"]
        urls = [f"{origin.url}/small", f"{origin.url}/large"]
        ran = subprocess.run(
            [*command, *urls],
            env=env,
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert ran.returncode == 0, ran.stderr[-2000:]
    before, peak = map(int, ran.stdout.split())
    assert peak - before < MOST
    assert (
        peak - before < LARGE // 1024 / 8
    )  # nor by a part of it that a larger one would make more
    asset = CacheAsset.objects.get(source_key="large")
    assert (asset.width, asset.height, asset.duration_ms, asset.codec) == (
        1080,
        1920,
        60_000,
        "avc1",
    )
    assert asset.byte_size is not None
    assert asset.byte_size > LARGE
    if storage == "s3":
        found = media_storage().stat(asset.storage_key)
        assert found is not None
        assert found.size == asset.byte_size
    else:
        assert (tmp_path / asset.storage_key).stat().st_size == asset.byte_size
    sys.stderr.write(f"{storage}: {LARGE >> 20} MiB, {before} KiB before, peak {peak} KiB\n")

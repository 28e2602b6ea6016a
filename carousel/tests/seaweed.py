"""SeaweedFS as the S3 server of the tests: a real one, that refuses what R2 would refuse."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ACCESS_KEY, SECRET_KEY, BUCKET = "test-access", "test-secret-of-the-s3-server", "media"

TRIES = 3


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and whose gRPC twins (10,000 above) are free, too."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            one, twin = socket.socket(), socket.socket()
            held.enter_context(one)
            held.enter_context(twin)
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port + 10_000 > 65_535:
                continue
            with contextlib.suppress(OSError):
                twin.bind(("127.0.0.1", port + 10_000))
                found.append(port)
    return found


@contextlib.contextmanager
def seaweed(
    folder: Path, ports: Sequence[int] = (), options: Sequence[str] = ()
) -> Iterator[dict[str, str]]:
    """Run the server with its files in ``folder``; gives the R2_* variables that point to it.

    On the same five ``ports`` (see ``free_ports``) it can be started again where it was.
    ``options`` are added to its command line, where later ones win.
    """
    for left in reversed(range(TRIES)):
        chosen = tuple(ports) or tuple(free_ports(5))
        process = _start(folder, chosen, options)
        try:
            _wait_until_ready(chosen[0], process, folder / "log")
            break
        except AssertionError:  # somebody took a port between our look and its start
            _end(process, chosen)
            if ports or not left:
                raise
    try:
        yield {
            "R2_ACCESS_KEY_ID": ACCESS_KEY,
            "R2_SECRET_ACCESS_KEY": SECRET_KEY,
            "R2_BUCKET_NAME": BUCKET,
            "R2_ENDPOINT_URL": f"http://127.0.0.1:{chosen[0]}",
        }
    finally:
        _end(process, chosen)


def _start(folder: Path, ports: Sequence[int], options: Sequence[str]) -> subprocess.Popen[bytes]:
    s3, filer, master, volume, admin = ports
    command = [
        *(str(Path(sys.executable).with_name("weed")), f"-logdir={folder}", "mini"),
        *(f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-webdav=false", "-admin.ui=false", f"-bucket={BUCKET}"),
        *("-s3.port.iceberg=0", f"-s3.localSocket={folder}/s3.sock", f"-s3.port={s3}"),
        *(f"-filer.port={filer}", f"-master.port={master}", f"-volume.port={volume}"),
        f"-admin.port={admin}",
        *options,
    ]
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )


def _end(process: subprocess.Popen[bytes], ports: Sequence[int]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _remove_sockets(*ports)


def _remove_sockets(*ports: int) -> None:
    """It keeps sockets in /tmp, wherever the temporary folder is, and leaves them behind."""
    for port in (*ports, *(port + 10_000 for port in ports)):
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            path.unlink(missing_ok=True)


def client(r2: Mapping[str, str]) -> Any:
    """A plain boto3 client for looking at the server from outside the product."""
    return boto3.client(
        "s3",
        endpoint_url=r2["R2_ENDPOINT_URL"],
        aws_access_key_id=r2["R2_ACCESS_KEY_ID"],
        aws_secret_access_key=r2["R2_SECRET_ACCESS_KEY"],
        region_name="auto",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    s3 = client(
        {
            "R2_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "R2_ACCESS_KEY_ID": ACCESS_KEY,
            "R2_SECRET_ACCESS_KEY": SECRET_KEY,
        }
    )
    ends = time.monotonic() + 30
    while True:
        with contextlib.suppress(BotoCoreError, ClientError):
            s3.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
            return
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < ends, log.read_text()[-2000:]
        time.sleep(0.1)

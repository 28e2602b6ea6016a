"""PostgreSQL, Valkey and an S3 server over TLS at the hub's address (see ``machines``)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from carousel.embedded.account import account_for
from carousel.embedded.locations import DATABASE_NAME, DATABASE_USER, Locations, locations_in
from carousel.embedded.postgres import Postgres, binaries
from carousel.embedded.process import ServerProcess, launch_command
from carousel.embedded.services import Services
from carousel.embedded.valkey import server_binary
from carousel.tests import seaweed
from carousel.tests.certificates import certificate
from carousel.tests.survival.machines import HUB, NETWORK

ROOT = Path(__file__).resolve().parents[3]
POSTGRES_PORT, VALKEY_PORT, S3_PORT = 5432, 6379, 8443


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """All three at the hub's address; gives the environment of whoever uses them."""
    sealed = certificate(folder / "hub.pem", HUB)
    https = (f"-s3.port.https={S3_PORT}", f"-s3.cert.file={sealed}", f"-s3.key.file={sealed}")
    (folder / "s3").mkdir()
    with (
        database(locations_in(folder / "servers")),
        running(valkey(), folder / "valkey.log"),
        seaweed.seaweed(folder / "s3", options=["-ip.bind=0.0.0.0", *https]) as r2,
    ):
        yield {
            **r2,
            "DATABASE_URL": f"postgresql://{DATABASE_USER}@{HUB}:{POSTGRES_PORT}/{DATABASE_NAME}",
            "REDIS_URL": f"redis://{HUB}:{VALKEY_PORT}/0",
            "LOCAL_S3_URL": r2["R2_ENDPOINT_URL"],
            "R2_ENDPOINT_URL": f"https://{HUB}:{S3_PORT}",
            "SSL_CERT_FILE": str(sealed),
            "AWS_CA_BUNDLE": str(sealed),
        }


@contextlib.contextmanager
def database(where: Locations) -> Iterator[None]:
    """PostgreSQL with a database of the product's name, open to the machines' network."""
    account = Services(where, fsync=False).prepare()
    maker = Postgres(where, account, fsync=False)
    maker.start()
    maker.wait_ready()
    maker.stop()
    with (where.postgres_data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {NETWORK} trust\n")
    options = {"listen_addresses": HUB, "unix_socket_directories": str(where.run), "fsync": "off"}
    server = ServerProcess(
        name="PostgreSQL",
        program=[
            *(str(binaries() / "postgres"), "-D", str(where.postgres_data)),
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        ],
        account=account_for(where.data),
        log=where.logs / "postgres.log",
        stop_signals=[(signal.SIGQUIT, 10.0)],
        folders=[where.postgres_data, where.run],
    )
    server.start()
    try:
        yield
    finally:
        server.stop()


def valkey() -> list[str]:
    """The command of a broker that anybody on the network may use."""
    options = {"bind": HUB, "port": str(VALKEY_PORT), "protected-mode": "no", "save": ""}
    pairs = [word for name, value in options.items() for word in (f"--{name}", value)]
    return [str(server_binary()), *pairs]


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with this block, and with us, however we end."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            launch_command(command, death_signal=signal.SIGKILL),
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

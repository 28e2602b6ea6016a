"""Workers on two machines, one of which is cut off; run on the hub (see ``machines``).

``python -m carousel.tests.survival.scale_out FOLDER NAMESPACE ADDRESS CABLE NAMESPACE …``

One PostgreSQL, one Valkey and one S3 server (over TLS) are at the hub's address. Both machines
store files; the second one's cable is pulled in the middle of work and plugged in again later.
Prints what it found as one line of JSON; what is not as it should be ends it with an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from carousel.embedded.account import account_for
from carousel.embedded.locations import DATABASE_NAME, DATABASE_USER, Locations, locations_in
from carousel.embedded.postgres import Postgres, binaries
from carousel.embedded.process import ServerProcess, launch_command
from carousel.embedded.services import Services
from carousel.embedded.valkey import server_binary
from carousel.tests import seaweed
from carousel.tests.certificates import certificate
from carousel.tests.survival.cdn import picture
from carousel.tests.survival.machines import HUB, NETWORK, Machine, plug_in, pull

ROOT = Path(__file__).resolve().parents[3]
CDN_PORT, LATENCY = 8090, 0.25  # seconds
POSTGRES_PORT, VALKEY_PORT, S3_PORT = 5432, 6379, 8443
ROWS, MORE_ROWS = 240, 120
LEASE = 10  # seconds
BOUND = 90  # seconds for each wait
SETTLED = ("completed", "failed")
# Who wrote the end of each row, by the address that the server sees.
NOTE_MACHINES = """
CREATE TABLE stored_by (asset uuid, machine text);
CREATE FUNCTION note_machine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stored_by VALUES (NEW.id, host(inet_client_addr())); RETURN NULL;
END $$;
CREATE TRIGGER note_machine AFTER UPDATE ON media_cache_cacheasset FOR EACH ROW
    WHEN (NEW.status = 'completed' AND OLD.status <> 'completed') EXECUTE FUNCTION note_machine();
"""


# --- Servers ---------------------------------------------------------------------------------


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


# --- The product -----------------------------------------------------------------------------


@contextlib.contextmanager
def at_work(folder: Path, machine: Machine, *, with_beat: bool) -> Iterator[None]:
    """A machine with a worker on the queue of files, and the origin that it sees."""
    home = folder / machine.namespace
    home.mkdir()
    celery = [sys.executable, "-m", "celery", "-A", "carousel"]
    worker = ["worker", "-Q", "media-cache,default", "-c", "1", "-n", f"media@{machine.address}"]
    programs = {
        "cdn": [sys.executable, "-m", "carousel.tests.survival.cdn", str(CDN_PORT), str(LATENCY)],
        "worker": [*celery, *worker],
        **({"beat": [*celery, "beat", "--pidfile="]} if with_beat else {}),
    }
    with contextlib.ExitStack() as stack:
        for name, program in programs.items():
            env = {"MEDIA_ROOT": str(home / "media")}
            stack.enter_context(running(machine.command(program), home / f"{name}.log", env))
        yield


def content_of(number: int) -> int:
    """Which picture a row's link leads to: one in ten is the same as the one before."""
    return number - 1 if number % 10 == 1 else number


def ask_for(numbers: range) -> None:
    """Rows that wait for a copy."""
    from media_cache.services import MediaRequest, request_media

    url = f"http://127.0.0.1:{CDN_PORT}/{{}}"
    request_media([MediaRequest("image", f"n/{n}", (url.format(content_of(n)),)) for n in numbers])


def stored_by() -> dict[str, int]:
    """How many rows each machine has ended as stored."""
    return {
        machine: count
        for machine, count in query("SELECT machine, count(*) FROM stored_by GROUP BY machine")
    }


def query(statement: str, *parameters: str) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def wait(what: str, condition: Callable[[], bool]) -> float:
    """Seconds until it is true. Raises RuntimeError after ``BOUND``."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > BOUND:
            raise RuntimeError(f"not within {BOUND} s: {what}; {states()}; {stored_by()}")
        time.sleep(0.1)
    return time.monotonic() - began


def states() -> list[Any]:
    """Rows by state and error."""
    return query("SELECT status, error_code, count(*) FROM media_cache_cacheasset GROUP BY 1, 2")


def all_stored() -> bool:
    """Whether every row is stored."""
    return {status for status, _, _ in states()} == {"completed"}


def check(r2: dict[str, str], count: int) -> int:
    """Each row was ended once, and the bucket holds exactly the right objects; their number."""
    expected = {}
    for number in {content_of(n) for n in range(count)}:
        body = picture(number)
        digest = hashlib.sha256(body).hexdigest()
        expected[f"{digest[:2]}/{digest}.jpg"] = body
    bucket = seaweed.client({**r2, "R2_ENDPOINT_URL": r2["LOCAL_S3_URL"]})
    pages = bucket.get_paginator("list_objects_v2").paginate(Bucket=seaweed.BUCKET)
    found = {item["Key"] for page in pages for item in page.get("Contents", ())} - {"ready"}
    assert found == expected.keys(), f"{len(found)} objects instead of {len(expected)}"
    for key, body in expected.items():
        assert bucket.get_object(Bucket=seaweed.BUCKET, Key=key)["Body"].read() == body, key
    ends = query("SELECT count(*), count(DISTINCT asset) FROM stored_by")
    assert ends == [(count, count)], ends
    keys = {key for (key,) in query("SELECT DISTINCT storage_key FROM media_cache_cacheasset")}
    assert keys == expected.keys()
    return len(found)


def prove(folder: Path, r2: dict[str, str], stays: Machine, leaves: Machine) -> dict[str, Any]:
    """The whole story. Raises AssertionError or RuntimeError where it goes wrong."""
    ask_for(range(ROWS))
    least = ROWS // 8
    with at_work(folder, stays, with_beat=True), at_work(folder, leaves, with_beat=False):
        wait(
            "both machines store files",
            lambda: min(stored_by().get(each.address, 0) for each in (stays, leaves)) >= least,
        )
        assert not all_stored(), "the work was over before the cable was pulled"
        pull(leaves.cable)
        until_cut = stored_by()
        recovered = wait("all rows are stored although a machine is gone", all_stored)
        assert stored_by()[leaves.address] == until_cut[leaves.address]
        taken_up = query("SELECT count(*) FROM media_cache_cacheasset WHERE attempts > 1")[0][0]
        assert taken_up > 0, "nothing was in hand when the cable was pulled"
        objects = check(r2, ROWS)
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s::inet"
        forgotten = wait(
            "the database lets go of the machine that is gone",
            lambda: query(sessions, leaves.address) == [(0,)],
        )
        plug_in(leaves.cable)
        ask_for(range(ROWS, ROWS + MORE_ROWS))
        back = wait(
            "the machine works again",
            lambda: all_stored() or stored_by()[leaves.address] > until_cut[leaves.address],
        )
        wait("all further rows are stored", all_stored)
        assert stored_by()[leaves.address] > until_cut[leaves.address], "it never came back"
        check(r2, ROWS + MORE_ROWS)
    return {
        "rows": ROWS,
        "objects": objects,
        "until_cut": until_cut,
        "in_hand_when_cut": taken_up,
        "recovered_s": round(recovered, 1),
        "sessions_forgotten_s": round(recovered + forgotten, 1),
        "back_s": round(back, 1),
        "in_the_end": stored_by(),
    }


def main() -> None:
    """As the module says."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    stays, leaves = (Machine(*words[start : start + 3]) for start in (0, 3))
    with servers(folder) as r2:
        os.environ.update(
            r2,
            DJANGO_SETTINGS_MODULE="carousel.settings",
            SECRET_KEY="for-tests-only-and-long-enough-to-be-a-key-of-its-own-kind",
            CAROUSEL_IGNORE_ENV_FILE="True",
            MEDIA_ALLOW_LOOPBACK="True",
            MEDIA_LANES="4",
            WORK_LEASE_SECONDS=str(LEASE),
            WORK_BACKOFF_SECONDS="1",
        )
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from django.db import connection

        from carousel.tests.survival.ticks import tick_fast

        with connection.cursor() as cursor:
            cursor.execute(NOTE_MACHINES)
        tick_fast()
        sys.stdout.write(json.dumps(prove(folder, r2, stays, leaves)) + "\n")


if __name__ == "__main__":
    main()

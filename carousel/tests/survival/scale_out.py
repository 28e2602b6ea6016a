"""Workers on two machines, one of which is cut off; run on the hub (see ``machines``).

``python -m carousel.tests.survival.scale_out FOLDER NAMESPACE ADDRESS CABLE NAMESPACE …``

Both machines store files with the hub's servers (see ``hub``); the second one's cable is pulled in
the middle of work. Leases are short here, and with them Celery's limit for a task, which ends what
the lost machine has in hand; so whether it goes on when it is back is no question for this test.
Prints what it found as one line of JSON; what is not as it should be ends it with an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from carousel.tests import seaweed
from carousel.tests.survival.cdn import picture
from carousel.tests.survival.hub import running, servers
from carousel.tests.survival.machines import Machine, pull

CDN_PORT, LATENCY = 8090, 0.5  # seconds
LANES = 4  # files that a machine has in hand at once
ROWS, FEW_ROWS = 160, 4
LEASE = 10  # seconds
BOUND = 120  # seconds for each wait
# Who wrote the end of each row, by the address that the server sees.
NOTE_MACHINES = """
CREATE TABLE stored_by (asset uuid, machine text);
CREATE FUNCTION note_machine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stored_by VALUES (NEW.id, host(inet_client_addr())); RETURN NULL;
END $$;
CREATE TRIGGER note_machine AFTER UPDATE ON media_cache_cacheasset FOR EACH ROW
    WHEN (NEW.status = 'completed' AND OLD.status <> 'completed') EXECUTE FUNCTION note_machine();
"""


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


def feed(first: int, until: Callable[[], bool]) -> int:
    """Ask for a few more files again and again, from number ``first``; returns the next number.

    However long a machine takes to join, there is work left for it.
    """
    ends = time.monotonic() + BOUND
    while not until():
        if time.monotonic() > ends:
            raise RuntimeError(f"no machine joined within {BOUND} s: {stored_by()}")
        ask_for(range(first, first + FEW_ROWS))
        first += FEW_ROWS
        time.sleep(0.5)
    return first


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


def in_hand() -> int:
    """Rows that somebody is working on."""
    return sum(count for status, _, count in states() if status == "running")


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
    with at_work(folder, stays, with_beat=True), at_work(folder, leaves, with_beat=False):
        joined = feed(0, lambda: len(stored_by()) == 2)
        count = joined + ROWS
        ask_for(range(joined, count))
        least = {machine: stored + ROWS // 8 for machine, stored in stored_by().items()}
        wait(
            "both machines store files",
            lambda: all(stored_by()[each] >= number for each, number in least.items()),
        )
        wait("both machines have files in hand", lambda: in_hand() > LANES + 1)
        pull(leaves.cable)
        until_cut = stored_by()
        recovered = wait("all rows are stored although a machine is gone", all_stored)
        assert stored_by()[leaves.address] == until_cut[leaves.address]
        taken_up = query("SELECT count(*) FROM media_cache_cacheasset WHERE attempts > 1")[0][0]
        assert taken_up > 0, "nothing was in hand when the cable was pulled"
        objects = check(r2, count)
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s::inet"
        forgotten = wait(
            "the database lets go of the machine that is gone",
            lambda: query(sessions, leaves.address) == [(0,)],
        )
    return {
        "rows": count,
        "objects_after_cut": objects,
        "until_cut": until_cut,
        "in_hand_when_cut": taken_up,
        "recovered_s": round(recovered, 1),
        "sessions_forgotten_s": round(recovered + forgotten, 1),
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
            MEDIA_LANES=str(LANES),
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

"""How long a tick takes with many profiles of which few are due, and that no run is ever doubled.

100,000 watched profiles are in the database, of which 1,000 are due. One tick plans their runs and
sends the messages for them, a thousand times fewer rows than exist; the same again with a tenth of
the profiles, which must take as long, and with none due. Then ten dispatchers, each a process of
its own, begin at the same moment over 5,000 due profiles: each profile gets one run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _bench import ROOT, conclude, median, product, ratio, say, scratch

DISPATCHERS = 10
TICKS = 5
LIMIT_SECONDS = 1.0
# One dispatcher: waits for the moment, then plans until nothing is due.
DISPATCH = """
import os, sys, time
sys.path.insert(0, sys.argv[2])
import django
django.setup()
from django.db import connection
from tiktok.services import plan_due_runs
connection.ensure_connection()
time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
planned = 0
while found := plan_due_runs(limit=500):
    planned += found
print(planned)
"""


def fill(count: int) -> None:
    """``count`` watched profiles, none of them due."""
    sql(
        "INSERT INTO tiktok_tiktokprofile (id, tiktok_user_id, sec_uid, handle, previous_handles,"
        " nickname, bio, verified, private, is_own_profile, total_posts, total_views, total_likes,"
        " total_comments, total_shares, total_saves, monitoring_enabled,"
        " monitoring_interval_minutes, next_monitoring_run, misses, history_complete,"
        " scrape_region) "
        "SELECT gen_random_uuid(), n::text, '', 'user' || n, '{}', '', '', false, false, false,"
        " 0, 0, 0, 0, 0, 0, true, 1440, now() + (1 + random()) * interval '1 day', 0, true, '' "
        "FROM generate_series(1, %s) AS n",
        [count],
    )
    sql("VACUUM ANALYZE tiktok_tiktokprofile")


def make_due(count: int) -> None:
    """So many profiles, spread over the table, are due; no run is open."""
    sql("TRUNCATE tiktok_profilemonitoringlog CASCADE")
    later = "UPDATE tiktok_tiktokprofile SET next_monitoring_run = now() + interval '1 day'"
    sql(f"{later} WHERE next_monitoring_run <= now()")
    chosen = "SELECT id FROM tiktok_tiktokprofile ORDER BY random() LIMIT %s"
    due = "UPDATE tiktok_tiktokprofile SET next_monitoring_run = now() - interval '1 second'"
    sql(f"{due} WHERE id IN ({chosen})", [count])


def sql(statement: str, params: Sequence[int] = ()) -> None:
    """Run a statement by hand."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, list(params) or None)


def ticks(due: int) -> list[float]:
    """Seconds that each of some ticks took to plan and send ``due`` runs."""
    from tiktok.services import plan_due_runs

    taken = []
    for _ in range(TICKS):
        make_due(due)
        began = time.perf_counter()
        planned = plan_due_runs(limit=max(1000, due))
        taken.append(time.perf_counter() - began)
        if planned != due:
            raise RuntimeError(f"{planned} runs were planned where {due} were due")
    return taken


def waiting_messages(redis_url: str) -> int:
    """Messages in the broker."""
    import redis

    client: Any = redis.Redis.from_url(redis_url)
    return sum(
        client.llen(key) for key in client.keys("*profile-monitor*") if client.type(key) == b"list"
    )


def race(due: int) -> dict[str, Any]:
    """Ten processes plan at once. Runs beyond one per profile are doubled."""
    from tiktok.models import ProfileMonitoringLog

    make_due(due)
    moment = str(time.time() + 6)
    command = [sys.executable, "-c", DISPATCH, moment, str(ROOT)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(DISPATCHERS)
    ]
    try:
        planned = [int(process.communicate(timeout=120)[0] or 0) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    runs = ProfileMonitoringLog.objects.values_list("profile_id", flat=True)
    return {
        "due": due,
        "dispatchers": DISPATCHERS,
        "dispatchers_that_planned": sum(bool(n) for n in planned),
        "planned": sum(planned),
        "doubled": len(runs) - len(set(runs)),
        "left": due - len(set(runs)),
    }


def measure(folder: Path, profiles: int, due: int) -> dict[str, Any]:
    """Everything, on servers of its own."""
    with product(folder) as urls:
        found: dict[str, Any] = {"profiles": profiles, "due": due}
        say(f"making {profiles // 10} profiles")
        fill(profiles // 10)
        few = median(ticks(due))
        sql("TRUNCATE tiktok_tiktokprofile CASCADE")
        say(f"making {profiles} profiles")
        fill(profiles)
        before = waiting_messages(urls.redis_url)
        taken = ticks(due)
        found["messages_per_tick"] = (waiting_messages(urls.redis_url) - before) / TICKS
        found["tick_seconds"] = median(taken)
        found["slowest_tick_seconds"] = max(taken)
        found["tick_seconds_with_a_tenth_of_the_profiles"] = few
        found["ten_times_the_profiles_cost"] = ratio(median(taken), few)
        found["idle_tick_seconds"] = median(ticks(0))
        say(f"{DISPATCHERS} dispatchers at once")
        found["race"] = race(5 * due)
    return found


def main() -> int:
    """Print the figures. Returns 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=1000)
    args = parser.parse_args()
    with scratch() as folder:
        found = measure(folder, args.profiles, args.due)
    race_found = found["race"]
    kept = (
        found["slowest_tick_seconds"] < LIMIT_SECONDS
        and race_found["doubled"] == race_found["left"] == 0
        and race_found["planned"] == race_found["due"]
    )
    conclude("schedule", {**found, "limit_seconds": LIMIT_SECONDS, "kept": kept})
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

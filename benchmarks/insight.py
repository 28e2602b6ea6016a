"""How fast scores are recomputed: for a million posts, and for one account after a run.

Accounts with the same number of posts each, four snapshots per post, made in the database. Then
everything is recomputed by set-based SQL in lots, and beside it the limit: one statement that only
reads the same rows and writes one column of each. After that, runs: a page of posts of an account
is seen again with other numbers, and its insight is brought up to date as the run's end does it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from _bench import conclude, product, ratio, say, scratch

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SNAPSHOTS = (23, 95, 191, 719)  # hours after publication
PAGE = 30  # posts that a run sees again

# Account by account, as a copy of a real database would be: id, kind and numbers follow from n.
MAKE = (
    """
    INSERT INTO tiktok_tiktokprofile (id, tiktok_user_id, sec_uid, handle, previous_handles,
        nickname, bio, verified, private, is_own_profile, {counts} {rest})
    SELECT 1
    """,
)


def main() -> None:
    """Print one line of figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--profiles", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    with scratch() as folder, product(folder):
        figures = measure(options.profiles, options.posts // options.profiles, options.runs)
    conclude("insight", figures)

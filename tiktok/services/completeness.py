"""What a run got, why it looked no further, and how far back: in words. Pure."""

from __future__ import annotations

from datetime import datetime

from django.utils.timesince import timesince

from carousel.lib.work import Status
from tiktok.models import UNFINISHED, ProfileMonitoringLog, StopReason


def got(run: ProfileMonitoringLog) -> str:
    """n of m posts: "70 of 71"; only n where the account doesn't say how many it has."""
    expected = "" if run.expected_posts is None else f" of {run.expected_posts}"
    return f"{run.posts_scraped}{expected}"


def why_it_stopped(run: ProfileMonitoringLog) -> str:
    """The rule that it stopped by, or the error; empty while it goes on."""
    if run.stop_reason:
        return str(dict(StopReason.choices).get(run.stop_reason, run.stop_reason))
    if run.status == Status.FAILED:
        return f"it failed: {run.error_code.replace('_', ' ')}"
    return ""


def summary(run: ProfileMonitoringLog, now: datetime) -> str:
    """All of it, for people.

    "Got 70 of 71 posts, partial; it stopped because the list ended. The oldest it looked at was
    3 weeks old."
    """
    words = [f"Got {got(run)} posts"]
    if run.status in UNFINISHED and not run.stop_reason:
        words.append(" so far.")
    else:
        partial = ", partial" if run.is_partial else ""
        words.append(f"{partial}; it stopped because {why_it_stopped(run)}.")
    if run.oldest_post_at is not None:
        seen = run.completed_at or now
        age = timesince(run.oldest_post_at, seen, depth=1).replace("\xa0", " ")
        words.append(f" The oldest it looked at was {age} old.")
    return "".join(words)

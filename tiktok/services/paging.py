"""When a run has seen enough: the stop rules. Pure, apart from reading the run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tiktok.bulk_upsert import UpsertResult
from tiktok.models import ProfileMonitoringLog
from tiktok.scraper.schemas import ScrapedPost, VideosPage

# The account's list ended, or went on with what we know already: nothing can be missing.
COMPLETE = frozenset({"end_of_list", "no_cursor", "known_posts", "no_posts"})


def stop_reason(
    run: ProfileMonitoringLog, page: VideosPage, result: UpsertResult, *, max_pages: int
) -> str:
    """Why to stop after this page, or "" to go on. ``run`` is as it was before the page.

    - ``end_of_list``: TikTok says that there is no more, whatever type it says it with.
    - ``no_cursor``: there is more, but nothing leads there (missing, 0 or -1).
    - ``cursor_unchanged``, ``cursor_not_decreasing``: the cursor is the time of the oldest post, so
      it must go down; TikTok has been seen to give out one page for ever.
    - ``repeated_page``: every post on it was on an earlier page of this run, pinned ones aside.
    - ``known_posts``: none is new to us, pinned ones aside. Only for scheduled runs over profiles
      whose older posts are all known; those look at every page each ``MONITORING_ALL_PAGES_DAYS``,
      and always do those that a person asked for, that fetch all media again, or that follow a run
      which broke off.
    - ``page_cap``: ``MONITORING_MAX_PAGES``.
    """
    ordinary = any(not post.is_pinned for post in page.posts)
    rules = (
        ("end_of_list", not page.has_more),
        ("no_cursor", page.cursor is None),
        ("cursor_unchanged", page.cursor == run.cursor),
        ("cursor_not_decreasing", not _goes_down(run.cursor, page.cursor)),
        ("repeated_page", (ordinary or bool(run.pages_scraped)) and not _shows_more(page, result)),
        ("known_posts", not run.every_page and ordinary and not result.new),
        ("page_cap", run.pages_scraped + 1 >= max_pages),
    )
    return next((reason for reason, applies in rules if applies), "")


def _goes_down(before: str, after: str | None) -> bool:
    """Whether the cursor leads to older posts, as far as its form lets us see."""
    if not before.isdecimal() or not after or not after.isdecimal():
        return True
    return int(after) < int(before)


def _shows_more(page: VideosPage, result: UpsertResult) -> bool:
    """Whether the run had not seen everything on it. Items that can't be read may be new."""
    return result.unseen > 0 or bool(page.skipped)


def oldest_in_order(posts: Sequence[ScrapedPost]) -> datetime | None:
    """How far back a page reaches: the time of its last post, as the newest come first.

    Not the oldest of all: up to three pinned posts of any age stand in front, and TikTok doesn't
    mark each of them. ``None`` for a page of nothing but pinned posts.
    """
    return next((post.published_at for post in reversed(posts) if not post.is_pinned), None)


def is_complete(run: ProfileMonitoringLog, reason: str) -> bool:
    """Whether no unknown post lies between those that the run saw, or behind them.

    After that, a page without a new post has no new one behind it either. What lies behind the page
    cap is left out on purpose.
    """
    capped = reason == "page_cap" and run.every_page
    return reason in COMPLETE or capped or _got_all(run)


def is_partial(run: ProfileMonitoringLog, reason: str) -> bool:
    """Whether the run got fewer posts than the account says it has, though it looked for all.

    A run that stopped at known posts did not look for all, and a list that ended early is short
    whatever it says.
    """
    if reason == "known_posts":
        return False
    if run.expected_posts is not None:
        return not _got_all(run)
    return reason not in COMPLETE


def _got_all(run: ProfileMonitoringLog) -> bool:
    """Whether the run saw as many posts as the account says it has."""
    got = run.posts_scraped + run.items_skipped
    return run.expected_posts is not None and got >= run.expected_posts

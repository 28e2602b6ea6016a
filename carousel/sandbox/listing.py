"""One page of ``/v3/tiktok/profile/videos``, with every trap of paging."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from carousel.sandbox.awemes import Aweme
from carousel.sandbox.chance import hexed
from carousel.sandbox.links import Links
from carousel.sandbox.posts import Post
from carousel.sandbox.world import Creator

Json = dict[str, Any]


def page(
    creator: Creator,
    listed: list[Post],
    query: dict[str, str],
    *,
    links: Links,
    now: float,
    faults: Collection[str] = (),
) -> Json:
    """The page behind ``max_cursor``. ``listed`` is in TikTok's order: pinned first.

    The cursor is the time in milliseconds of the oldest post seen that is not pinned.
    """
    nothing = _nothing(query, faults)
    if nothing is not None:
        return nothing if "status_code" in nothing else _body(creator, [], [], now)
    if query.get("sort_by") == "popular":
        listed = sorted(listed, key=lambda post: -post.counts(now).views)
    start = _start(listed, query, "endless_page" in faults)
    shown = listed[start : start + creator.page_size]
    if "duplicates" in faults and start:
        shown = listed[max(0, start - 2) : start] + shown
    awemes = [Aweme(links, creator, post, now, faults=faults) for post in shown]
    trim = query.get("trim") == "true"
    items: list[Any] = [aweme.trimmed() if trim else aweme.full() for aweme in awemes]
    if "malformed_item" in faults and items:
        items[-1] = _malformed(items[-1], start)
    body = _body(creator, items, shown, now)
    _turn(body, listed, query, start + creator.page_size, faults)
    if trim:
        return {"aweme_list": items, "max_cursor": body["max_cursor"]}
    return body


def _nothing(query: dict[str, str], faults: Collection[str]) -> Json | None:
    """The answer without posts that a fault asks for; ``{}`` is an ordinary empty page."""
    if "tiktok_status" in faults:
        return {"status_code": 10204, "status_msg": "Video not available"}
    if "private" in faults:
        return {"aweme_list": [], "has_more": 0, "status_code": 10222, "status_msg": ""}
    if "empty_page" in faults or ("empty_unless_us" in faults and query.get("region") != "US"):
        return {}
    return None


def _turn(
    body: Json, listed: list[Post], query: dict[str, str], following: int, faults: Collection[str]
) -> None:
    """Say whether there is a next page and where, or lie about it."""
    body["has_more"] = 1 if following < len(listed) else 0
    if query.get("sort_by") == "popular":
        body["max_cursor"] = following
    if {"endless_page", "stuck_cursor"} & set(faults):
        body["has_more"] = 1
        body["max_cursor"] = listed[0].created * 1000 if listed else 0
    if "no_cursor" in faults:
        body["has_more"] = 1
        body["max_cursor"] = None


def _start(listed: list[Post], query: dict[str, str], endless: bool) -> int:
    """The index of the page's first post."""
    text = query.get("max_cursor", "0")
    cursor = int(text) if text.lstrip("-").isdigit() else 0
    if cursor <= 0 or endless:
        return 0
    if query.get("sort_by") == "popular":
        return cursor
    pinned = sum(post.pinned for post in listed[:3])
    for index, post in enumerate(listed[pinned:], start=pinned):
        if post.created * 1000 < cursor:
            return index
    return len(listed)


def _malformed(item: Json, start: int) -> Any:
    if start:
        return "unavailable"
    broken = {key: value for key, value in item.items() if key not in ("aweme_id", "statistics")}
    return {**broken, "statistics": "hidden", "create_time": "yesterday"}


def _body(creator: Creator, items: list[Any], shown: list[Post], now: float) -> Json:
    times = [post.created * 1000 for post in shown if not post.pinned]
    times = times or [post.created * 1000 for post in shown] or [0]
    log_id = hexed(34, creator.uid, int(now), *times)
    return {
        "aweme_list": items,
        "extra": {"fatal_item_ids": [], "logid": log_id, "now": int(now) * 1000},
        "has_locate_item": False,
        "has_more": 0,
        "log_pb": {"impr_id": log_id},
        "max_cursor": min(times),
        "min_cursor": max(times),
        "status_code": 0,
        "status_msg": "",
    }

"""The client of ScrapeCreators' TikTok API: the only file that knows its paths and its key.

Calls are never repeated here, nor answered from a cache: whoever calls decides what another
credit is worth. ``cache_max_age`` is never sent, as a cached answer has old numbers and dead links,
and ``trim`` never, as it drops what tells pinned posts and photos apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from tiktok.scraper import account, parse, values
from tiktok.scraper.errors import failure
from tiktok.scraper.handles import parse_handle, parse_post_url, post_url
from tiktok.scraper.schemas import DailyUsage, ProfileAnswer, UsageRow, VideoAnswer, VideosPage
from tiktok.scraper.transport import ScraperConfig, Transport

PROFILE = "/v1/tiktok/profile"
PROFILE_VIDEOS = "/v3/tiktok/profile/videos"
VIDEO = "/v2/tiktok/video"
CREDIT_BALANCE = "/v1/account/credit-balance"
USAGE = "/v1/account/get-api-usage"
DAILY_USAGE = "/v1/account/get-daily-usage-count"
MAX_CREDITS = {PROFILE: 1, PROFILE_VIDEOS: 1, VIDEO: 1, CREDIT_BALANCE: 0, USAGE: 0, DAILY_USAGE: 0}

# The provider asks from Great Britain by default, and advises to try here when an account that
# has posts shows none.
OTHER_REGION = "US"

_REGION = re.compile(r"[A-Z]{2}", re.ASCII)

T = TypeVar("T")


class ScrapeCreators:
    """Ask for accounts, posts and our own balance. Every method raises ``ScrapeError``.

    Holds connections: use it as a context manager, or ``close`` it.
    """

    def __init__(self, config: ScraperConfig) -> None:
        self._transport = Transport(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def profile(self, handle: str | None = None, user_id: str | None = None) -> ProfileAnswer:
        """One account, by ``user_id`` where given (it survives a change of handle), else by
        ``handle``. 1 credit. Raises ValueError where neither is usable."""
        params = _account(handle, user_id)
        if "user_id" in params:
            params.pop("handle", None)
        what = f"account {user_id}" if user_id else f"account @{params['handle']}"
        return self._ask(
            PROFILE, params, lambda answer: parse.parse_profile(answer, what=what), what
        )

    def profile_videos(
        self,
        handle: str,
        *,
        user_id: str | None = None,
        cursor: str | None = None,
        region: str | None = None,
    ) -> VideosPage:
        """A page (10 to 35) of an account's posts, newest first after the pinned. 1 credit.

        ``cursor`` is the last page's, verbatim. ``region`` is the two-letter country to ask from.
        An empty first page may just be the region's: ``region_hint`` names the one to try before
        believing it. Whether the posts are the account's one meant, the caller must see from
        ``author.user_id``: handles are recycled.
        """
        params = _account(handle, user_id) | {"sort_by": "latest"}
        if cursor:
            params["max_cursor"] = cursor
        params |= _region(region)
        what = f"posts of @{params['handle']}"
        page = self._ask(
            PROFILE_VIDEOS, params, lambda answer: parse.parse_page(answer, what=what), what
        )
        if page.posts or page.skipped or cursor or params.get("region") == OTHER_REGION:
            return page
        return replace(page, region_hint=OTHER_REGION)

    def video(
        self, url: str, *, region: str | None = None, transcript: bool = False
    ) -> VideoAnswer:
        """One post by its full address, photo or video. 1 credit.

        Query and fragment are cut off, as the provider refuses some. ``transcript`` asks for the
        spoken words too. Raises ValueError for anything but a full post URL: for shortened ones
        live posts have been reported missing.
        """
        handle, content_type, tiktok_id = parse_post_url(url)
        params = {"url": post_url(handle, content_type, tiktok_id)} | _region(region)
        if transcript:
            params["get_transcript"] = "true"
        what = f"post {tiktok_id}"

        def read(answer: object) -> VideoAnswer:
            found = parse.parse_video(answer, what=what)
            if found.post.tiktok_id != tiktok_id:
                other = f"it is post {found.post.tiktok_id}"
                raise failure("malformed_answer", what, detail=other)
            return found

        return self._ask(VIDEO, params, read, what)

    def credit_balance(self) -> int:
        """Credits left. Free."""
        return self._ask(CREDIT_BALANCE, {}, account.parse_balance, "credit balance")

    def usage(
        self, page: int = 1, endpoint: str | None = None, status_code: int | None = None
    ) -> list[UsageRow]:
        """Calls in the provider's own books, newest first as far as seen. Free.

        ``page`` is 1 to 100, ``endpoint`` part of a path. For settling calls that timed out.
        """
        params = {"page": str(page)}
        if endpoint:
            params["endpoint"] = endpoint
        if status_code is not None:
            params["statusCode"] = str(status_code)
        return self._ask(USAGE, params, account.parse_usage, "API usage")

    def daily_usage(self) -> list[DailyUsage]:
        """Credits and calls per day in the provider's own books. Free."""
        return self._ask(DAILY_USAGE, {}, account.parse_daily_usage, "daily usage")

    def _ask(
        self, endpoint: str, params: Mapping[str, str], read: Callable[[object], T], what: str
    ) -> T:
        return self._transport.ask(
            endpoint, params, read, what=what, max_credits=MAX_CREDITS[endpoint]
        )


def _account(handle: str | None, user_id: str | None) -> dict[str, str]:
    """Parameters that name an account. Raises ValueError where they name none."""
    if user_id and not values.identifier(user_id):
        raise ValueError(f"{user_id!r} is not a TikTok user id: those are digits.")
    if not handle and not user_id:
        raise ValueError("Name the account: a handle, or a user id.")
    params: dict[str, str] = {}
    if handle:  # one from our own tables needs no interpretation, whatever it looks like
        params["handle"] = (values.handle(handle) or parse_handle(handle)).lower()
    return params | ({"user_id": user_id} if user_id else {})


def _region(region: str | None) -> dict[str, str]:
    if not region:
        return {}
    if not _REGION.fullmatch(region):
        raise ValueError(f"{region!r} is not a region: write two letters such as US.")
    return {"region": region}

"""ScrapeCreators' TikTok endpoints (upstream notes, section 1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from carousel.sandbox.accounts import Account
from carousel.sandbox.awemes import Aweme
from carousel.sandbox.chance import hexed
from carousel.sandbox.clock import Clock
from carousel.sandbox.failures import api_error, instead, spoil
from carousel.sandbox.faults import FaultBook
from carousel.sandbox.links import Links
from carousel.sandbox.listing import page
from carousel.sandbox.profiles import profile
from carousel.sandbox.wire import Request, Response, as_json
from carousel.sandbox.world import Creator, World

Json = dict[str, Any]
_DAY = 86_400
_POST_URL = re.compile(r"https?://(?:www\.)?tiktok\.com/@([\w.\-]+)/(?:video|photo)/(\d+)")
_CACHE_AGES = ("1d", "3d", "7d", "14d", "30d")


class Answered(Exception):
    """An endpoint ended with something other than a 200 body."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass
class Call:
    """One call on its way through an endpoint."""

    request: Request
    creator: Creator | None
    post_id: str
    faults: dict[str, float | None]
    now: float


@dataclass
class ScrapeCreators:
    """The API. ``api_key``: the only right one; empty: any that does not begin with "wrong"."""

    world: World
    clock: Clock
    links: Links
    faults: FaultBook
    account: Account
    api_key: str = ""
    _cache: dict[str, tuple[float, Json]] = field(default_factory=dict)

    def answer(self, request: Request) -> Response:
        """Any request that is neither the CDN's nor Gemini's."""
        endpoint = self._endpoints().get(request.path)
        if endpoint is None:
            return as_json({"success": False, "message": f"No route {request.path}"}, 404)
        if not self._key_is_right(request):
            return as_json({"success": False, "message": "Invalid API key"}, 401)
        function, price = endpoint
        call = self._call(request)
        early = self._early(call)
        if early is not None:
            response, charged = early, 0
        else:
            response, charged = self._run(call, function, price)
        if price:
            at = self.clock.now()
            self.account.note(request.path, request.query, response.status, charged, at)
        for name, seconds in call.faults.items():
            spoil(name, response, seconds)
        return response

    def forget(self) -> None:
        """Empty the cache of ``cache_max_age``."""
        self._cache.clear()

    def _endpoints(self) -> dict[str, tuple[Callable[[Call], Any], int]]:
        return {
            "/v1/tiktok/profile": (self._profile, 1),
            "/v1/tiktok/profile/region": (self._region, 1),
            "/v3/tiktok/profile/videos": (self._videos, 1),
            "/v2/tiktok/video": (self._video, 1),
            "/v1/account/credit-balance": (self._balance, 0),
            "/v1/credit-balance": (self._balance, 0),
            "/v1/credit/balance": (self._balance, 0),
            "/v1/account/get-api-usage": (self._usage, 0),
            "/v1/account/get-daily-usage-count": (lambda call: self.account.daily(), 0),
        }

    def _key_is_right(self, request: Request) -> bool:
        key = request.headers.get("x-api-key", "")
        return key == self.api_key if self.api_key else bool(key) and not key.startswith("wrong")

    def _call(self, request: Request) -> Call:
        now, query = self.clock.now(), request.query
        asked = self.faults.asked(request)
        handle, post_id = query.get("handle", ""), ""
        url = _POST_URL.match(query.get("url", ""))
        if url:
            handle, post_id = url[1], url[2]
        if query.get("user_id"):
            creator = self.world.by_uid(query["user_id"])
            self._pass_a_day(creator.handle if creator else "")
            creator = self.world.by_uid(query["user_id"])
        else:
            self._pass_a_day(handle)
            creator = self.world.by_handle(handle) if handle else None
        if creator is None and post_id:
            creator = self.world.owner(post_id, now)
        if creator is not None:
            for name in self.faults.of_handle("api", creator.key, request.path):
                asked.setdefault(name, None)
        return Call(request, creator, post_id, asked, now)

    def _pass_a_day(self, handle: str) -> None:
        """After a day of sandbox time ``fault.renamed`` and ``fault.recycled`` do as they say."""
        if self.clock.elapsed() < _DAY or self.world.by_handle(handle) is None:
            return
        if handle.startswith("fault.renamed") and not handle.endswith(".new"):
            self.world.rename(handle, f"{handle}.new")
        elif handle.startswith("fault.recycled") and not self.world.was_recycled(handle):
            self.world.recycle(handle)

    def _early(self, call: Call) -> Response | None:
        for name, seconds in call.faults.items():
            found = instead("api", name, seconds, credits=self.account.credits)
            if found is not None:
                return found
        return None

    def _run(self, call: Call, function: Callable[[Call], Any], price: int) -> tuple[Response, int]:
        if price and self.account.credits < price:
            return self._failed("http_402"), 0
        try:
            body = self._cached(call, function) if price else function(call)
        except Answered as answered:
            return answered.response, 0
        if not price:
            # The balance has been seen as text/plain with a JSON body.
            kind = "text/plain" if "balance" in call.request.path else "application/json"
            return as_json(body, content_type=kind), 0
        if "cached" in body:
            price = 0
        elif not self.account.charge(price):
            return self._failed("http_402"), 0
        envelope = {
            "success": True,
            "credits_remaining": self.account.credits,
            "credits_charged": price,
        }
        return as_json({**envelope, **body}), price

    def _cached(self, call: Call, function: Callable[[Call], Any]) -> Json:
        """Honour ``cache_max_age`` where the real API does (not for lists)."""
        age = call.request.query.get("cache_max_age", "")
        key = call.request.target
        if age not in _CACHE_AGES or call.request.path == "/v3/tiktok/profile/videos":
            return function(call)  # type: ignore[no-any-return]
        kept = self._cache.get(key)
        if kept and call.now - kept[0] < int(age[:-1]) * _DAY:
            stamp = datetime.fromtimestamp(kept[0], UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            return {**kept[1], "cached": True, "cached_at": stamp}
        body: Json = function(call)
        self._cache[key] = (call.now, body)
        return body

    def _failed(self, name: str) -> Response:
        found = api_error(name, self.account.credits)
        if found is None:
            raise ValueError(name)
        return found

    def _creator(self, call: Call) -> Creator:
        query = call.request.query
        if not (query.get("handle") or query.get("user_id")):
            raise Answered(self._failed("http_400"))
        if call.creator is None:
            raise Answered(self._failed("http_404"))
        return call.creator

    def _profile(self, call: Call) -> Json:
        creator = self._creator(call)
        listed = len(self._listed(creator, call.now))
        return profile(creator, self.links, call.now, listed, call.faults)

    def _region(self, call: Call) -> Json:
        creator = self._creator(call)
        url = f"https://www.tiktok.com/@{creator.handle}"
        return {"handle": creator.handle, "profile_url": url, "region": creator.region}

    def _listed(self, creator: Creator, now: float) -> list[Any]:
        return [post for post in creator.listed(now) if post.id not in self.world.removed]

    def _videos(self, call: Call) -> Json:
        creator = self._creator(call)
        return page(
            creator,
            self._listed(creator, call.now),
            call.request.query,
            links=self.links,
            now=call.now,
            faults=call.faults,
        )

    def _video(self, call: Call) -> Json:
        url = call.request.query.get("url")
        if not url:
            raise Answered(self._failed("http_400"))
        faults = call.faults
        if "post_403" in faults:
            raise Answered(self._failed("http_403"))
        post = call.creator.find(call.post_id, call.now) if call.creator else None
        if call.creator is None or post is None or post.id in self.world.removed:
            raise Answered(self._failed("http_404"))
        if "post_404_once" in faults and self.faults.first_time(f"post_404_once {post.id}"):
            raise Answered(self._failed("http_404"))
        detail = Aweme(self.links, call.creator, post, call.now, detail=True, faults=faults)
        log_id = hexed(34, post.id, int(call.now))
        return {
            "aweme_detail": detail.full(),
            "extra": {"fatal_item_ids": [], "logid": log_id, "now": int(call.now) * 1000},
            "log_pb": {"impr_id": log_id},
            "status_code": 0,
            "status_msg": "",
            "transcript": None,
        }

    def _balance(self, call: Call) -> Json:
        return {"creditCount": self.account.credits}

    def _usage(self, call: Call) -> list[Json]:
        query = call.request.query
        number = int(query["page"]) if query.get("page", "").isdigit() else 1
        return self.account.usage(number, query.get("endpoint", ""), query.get("statusCode", ""))

"""Everything that can go wrong, asked for by name.

Ways to ask, all of them combined:

- a handle: ``fault.NAME`` for ScrapeCreators, ``fault.cdn_NAME`` for that creator's files,
  ``fault.gemini_NAME`` for requests that hold that creator's slides; ``.xN`` behind it means only
  the first N times per endpoint, and anything after that is free, to have several of a kind
  (``fault.http_500.x2``, ``fault.hidden_counts.b``);
- a query parameter ``fault=NAME`` or a header ``X-Sandbox-Fault: NAME`` (several with commas);
- ``POST /-/faults {"path": PREFIX, "fault": NAME, "times": N, "match": TEXT, "seconds": S}``:
  requests whose path begins with PREFIX (``/cdn/`` stands for all files) and whose target contains
  TEXT, N times (default: always).

``python -m carousel.sandbox --list-faults`` prints this table:

{table}
"""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Literal

from carousel.sandbox.wire import Request

Service = Literal["api", "cdn", "gemini"]

EVERYWHERE: dict[str, str] = {
    "http_400": "400, the request is said to be wrong",
    "http_401": "401 (Gemini: 400 API key not valid)",
    "http_403": "403 (ScrapeCreators: age restricted)",
    "http_404": "404, nothing there",
    "http_410": "410, gone",
    "http_429": "429 without Retry-After",
    "http_429_after": "429 with Retry-After (Gemini: RetryInfo too), 2 s or as asked",
    "http_500": "500 as JSON",
    "http_502_html": "502 with a gateway's HTML page",
    "http_503": "503 as JSON",
    "http_504": "504 as JSON",
    "slow": "the answer comes after 30 s, or as many seconds as asked",
    "dropped": "the connection is closed without an answer",
    "truncated": "half of the body, then the connection is closed; Content-Length says all",
    "empty_body": "200 with no bytes",
    "html_200": "200 with an HTML page",
    "text_plain": "the right body as text/plain",
}
API_ONLY: dict[str, str] = {
    "http_402": "402, out of credits",
    "not_found_success": '404 whose body says "success": true',
    "post_404_once": "a live post answers 404 the first time it is asked for singly",
    "post_403": "every single post answers 403, age restricted",
    "empty_page": "the list is [] with 200, and is charged",
    "empty_unless_us": "the list is [] with 200 unless region=US",
    "endless_page": "every page is the first page, and there are more",
    "duplicates": "every further page begins with two posts of the page before",
    "stuck_cursor": "max_cursor never changes, and there are more",
    "no_cursor": "there are more, but max_cursor is null",
    "renamed": "a day after the start the account is called HANDLE.new; the old name answers 404",
    "recycled": "a day after the start a stranger with another id answers to the handle",
    "private": "the profile says it is private; the list is [] with status_code 10222",
    "negative_heart": "the profile's hearts overflowed to a negative number, no statsV2",
    "hidden_counts": "posts without play_count, with digg_count null",
    "malformed_item": "one item of each page is not a post (a string, or a post without its id)",
    "bad_text": "NUL and half a surrogate pair in captions and nickname",
    "no_slides": "photo posts have no slides in the list (they do in the single-post answer)",
    "expired_links": "every link in the answer expired an hour ago",
    "expired_in_list": "links in the list expired an hour ago; the single-post answer's are fresh",
    "tiktok_status": "200 with TikTok's status_code 10204 and no list",
}
CDN_ONLY: dict[str, str] = {
    "lying_type": "Content-Type says application/octet-stream, or a picture is called video/mp4",
    "zero_bytes": "200 and Content-Length 0",
    "garbage": "the right length and type, but random bytes",
    "redirect_off_domain": "302 to http://example.com/",
    "redirect_loop": "302 to itself",
    "expired": "403, as for a link past its time",
}
GEMINI_ONLY: dict[str, str] = {
    "per_day": "429, the quota per day is used up",
    "limit_zero": "429, the quota's limit is 0",
    "blocked": "the prompt is blocked: no candidates, promptFeedback",
    "safety": "finishReason SAFETY, no content",
    "recitation": "finishReason RECITATION, no content",
    "max_tokens_empty": "finishReason MAX_TOKENS, content without parts",
    "max_tokens_cut": "finishReason MAX_TOKENS, the JSON ends in the middle",
    "truncated_json": "finishReason STOP, yet the JSON ends in the middle",
    "fenced": "the JSON is wrapped in ```json",
    "wrong_shape": "valid JSON of another shape",
    "missing_label": "the last slide of every post is left out",
    "extra_label": "a slide that was never sent is answered too",
    "duplicate_label": "the first slide is answered twice, the second time with nonsense",
    "wrong_label": "the labels of a post's slides are changed to unknown ones",
    "nul_text": "NUL in every text",
    "bad_image": "400 that does not say which image",
    "new_finish_reason": "a finishReason nobody knows",
    "unknown_type": "slide_type is a word outside the enum",
    "batch_partial": "batch: every second item is an error",
    "batch_no_metadata": "batch: items come back without their metadata",
    "batch_expired": "batch: ends as EXPIRED",
    "batch_failed": "batch: ends as FAILED and gives no reason",
    "batch_stuck": "batch: stays PENDING",
}
FAULTS: dict[Service, dict[str, str]] = {
    "api": {**EVERYWHERE, **API_ONLY},
    "cdn": {**EVERYWHERE, **CDN_ONLY},
    "gemini": {**EVERYWHERE, **GEMINI_ONLY},
}


def table() -> str:
    """All faults, one per line, for people."""
    groups = {"everywhere": EVERYWHERE, "ScrapeCreators": API_ONLY}
    groups |= {"CDN": CDN_ONLY, "Gemini": GEMINI_ONLY}
    lines = []
    for title, names in groups.items():
        lines += [f"{title}:", *(f"  {name:<22}{what}" for name, what in names.items())]
    return "\n".join(lines)


if __doc__:
    __doc__ = __doc__.replace("{table}", table())

_HANDLE = re.compile(
    r"fault\.(?:(?P<service>cdn|gemini)_)?(?P<name>[a-z0-9_]+)(?:\.x(?P<times>\d+))?"
)


@dataclass(slots=True)
class Rule:
    """A fault asked for by path. ``times`` counts down; ``None`` is always."""

    path: str
    fault: str
    times: int | None = None
    match: str = ""
    seconds: float | None = None

    def covers(self, request: Request) -> bool:
        """Whether the rule is for this request."""
        if self.path.rstrip("/") == "/cdn":
            return service_of(request.path) == "cdn" and self.match in request.target
        return request.path.startswith(self.path) and self.match in request.target


@dataclass
class FaultBook:
    """Which faults hold for a request. Thread-safe."""

    rules: list[Rule] = field(default_factory=list)
    _served: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self,
        path: str,
        fault: str,
        times: int | None = None,
        match: str = "",
        seconds: float | None = None,
    ) -> None:
        """Spoil requests whose path begins with ``path``. Raises ``ValueError`` on a bad name."""
        if fault not in FAULTS[service_of(path)]:
            raise ValueError(f"There is no fault {fault!r} for {path}; see --list-faults.")
        with self._lock:
            self.rules.append(Rule(path, fault, times, match, seconds))

    def clear(self) -> None:
        """Forget every rule and every count."""
        with self._lock:
            self.rules.clear()
            self._served.clear()

    def listing(self) -> list[dict[str, object]]:
        """The rules still in force."""
        with self._lock:
            return [asdict(rule) for rule in self.rules]

    def asked(self, request: Request) -> dict[str, float | None]:
        """Faults asked for by header, query and rules: name to seconds (``None``: the usual)."""
        words = f"{request.headers.get('x-sandbox-fault', '')},{request.query.get('fault', '')}"
        known = FAULTS[service_of(request.path)]
        found: dict[str, float | None] = {
            word.strip(): None for word in words.split(",") if word.strip() in known
        }
        with self._lock:
            for rule in list(self.rules):
                if rule.covers(request):
                    found[rule.fault] = rule.seconds
                    self._count_down(rule)
        return found

    def _count_down(self, rule: Rule) -> None:
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                self.rules.remove(rule)

    def of_handle(self, service: Service, handle: str, where: str) -> list[str]:
        """Faults that a creator's handle asks for; ``where`` is what ``.xN`` counts by."""
        asked = _HANDLE.match(handle)
        if not asked or (asked["service"] or "api") != service:
            return []
        if asked["name"] not in FAULTS[service]:
            return []
        if asked["times"] is not None:
            place = f"{handle} {where}"
            with self._lock:
                self._served[place] = self._served.get(place, 0) + 1
                if self._served[place] > int(asked["times"]):
                    return []
        return [asked["name"]]

    def first_time(self, what: str) -> bool:
        """Whether this is asked for the first time since the start (or ``clear``)."""
        with self._lock:
            self._served[what] = self._served.get(what, 0) + 1
            return self._served[what] == 1


def service_of(path: str) -> Service:
    """Which stand-in a path belongs to."""
    if path.startswith("/gemini"):
        return "gemini"
    return "api" if re.match(r"/v\d", path) else "cdn"

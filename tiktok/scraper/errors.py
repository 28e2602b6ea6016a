"""What went wrong, in one class, with words for the person who has to act on it."""

from __future__ import annotations

from carousel.lib import http
from carousel.lib.errors import UpstreamError
from tiktok.scraper.calls import Call


class ScrapeError(UpstreamError):
    """ScrapeCreators or TikTok can't give us what we asked for.

    Codes: ``bad_request``, ``unauthorized``, ``out_of_credits``, ``forbidden``, ``not_found``
    (perhaps: a live post has answered so), ``private`` (perhaps), ``region_locked``,
    ``rate_limited``, ``unavailable``, ``upstream_unavailable``, ``tiktok_error``,
    ``malformed_answer``, ``timeout``, ``connection_failed``. ``call`` is the record of the call
    that ended so; ``None`` where an answer was read outside of a call.
    """

    def __init__(
        self, message: str, *, code: str, retryable: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code, retryable=retryable, retry_after=retry_after)
        self.call: Call | None = None

    @property
    def maybe_charged(self) -> bool:
        """Whether the call may have been billed without our knowing, as after a timeout."""
        return self.call is not None and self.call.maybe_charged


_SENTENCES = {
    "bad_request": "ScrapeCreators does not accept the request for {what}.",
    "unauthorized": "ScrapeCreators refuses the API key. Check SCRAPECREATORS_API_KEY.",
    "out_of_credits": "ScrapeCreators is out of credits. Top up the account to go on.",
    "forbidden": "ScrapeCreators may not show {what}.",
    "not_found": "There is no {what}, as far as ScrapeCreators can see.",
    "private": "TikTok says that {what} is private.",
    "region_locked": "TikTok does not show {what} in this region. Try another region.",
    "rate_limited": "ScrapeCreators asks to slow down.",
    "unavailable": "TikTok does not show {what} at the moment.",
    "upstream_unavailable": "ScrapeCreators is failing. Try {what} again later.",
    "tiktok_error": "TikTok answered with an error of its own for {what}.",
    "malformed_answer": "The answer for {what} is not what ScrapeCreators documents.",
    "timeout": "ScrapeCreators did not answer in time for {what}. It may have billed the call.",
    "connection_failed": "Can't reach ScrapeCreators for {what}. Check SCRAPECREATORS_BASE_URL.",
}
_RETRYABLE = frozenset(
    {
        "rate_limited",
        "unavailable",
        "upstream_unavailable",
        "tiktok_error",
        "timeout",
        "connection_failed",
    }
)
_SAME = {"gone": "not_found"}
# TikTok's own codes, which may shine through under HTTP 200; as gallery-dl and yt-dlp know them.
# 10222 and 2096 have been seen on public accounts too.
_TIKTOK_CODES = {
    2065: "not_found",
    2096: "private",
    10204: "unavailable",
    10216: "private",
    10221: "not_found",
    10222: "private",
    10231: "region_locked",
}


def failure(
    code: str,
    what: str,
    *,
    detail: str = "",
    retryable: bool | None = None,
    retry_after: float | None = None,
) -> ScrapeError:
    """The error for ``code``; ``what`` names the thing asked for, ``detail`` quotes the answer."""
    message = _SENTENCES[code].format(what=what)
    if detail:
        message = f"{message} ({detail[:200]})"
    hopeful = code in _RETRYABLE if retryable is None else retryable
    return ScrapeError(message, code=code, retryable=hopeful, retry_after=retry_after)


def status_failure(
    status: int, what: str, *, detail: str = "", retry_after: float | None = None
) -> ScrapeError:
    """The error for an HTTP status that isn't 200, or for one told in the body (0: none told)."""
    code = http.status_code(status)
    told = f"HTTP {status}{': ' if detail else ''}{detail}" if status else detail
    return failure(_SAME.get(code, code), what, detail=told, retry_after=retry_after)


def tiktok_failure(tiktok_code: int, what: str, *, detail: str = "") -> ScrapeError:
    """The error for TikTok's ``status_code`` when it isn't 0."""
    told = f"status_code {tiktok_code}{': ' if detail else ''}{detail}"
    return failure(_TIKTOK_CODES.get(tiktok_code, "tiktok_error"), what, detail=told)

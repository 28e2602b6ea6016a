"""What can go wrong when a file is fetched, in words that are safe to log and to store."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage

from carousel.lib.errors import UpstreamError

LONGEST_WAIT = 24 * 3600.0
_LONGEST_URL = 200
_UNAVAILABLE = (408, 425, 429)  # besides what is said on behalf of a server: 502 and above
# TikTok signs video links in the path: 32 hex digits of signature, then 8 of expiry.
_SIGNED_PATH = re.compile(r"/[0-9a-f]{32}/[0-9a-f]{8}/")


class DownloadError(UpstreamError):
    """A URL did not give us its file.

    ``link_dead`` says that the link itself has ended (403, 410), so that only a fresh one helps;
    ``retryable`` is then true in that sense. ``unavailable`` says that the host did not get to
    the file at all: no connection, no answer, a gateway's 502 or 503, or a request to slow down.
    ``host_down`` is set to the host's name where that is no matter of one file
    (``HostBackoff``).
    """

    host_down = ""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        retryable: bool,
        retry_after: float | None = None,
        link_dead: bool = False,
        unavailable: bool = False,
    ) -> None:
        super().__init__(message, code=code, retryable=retryable, retry_after=retry_after)
        self.link_dead = link_dead
        self.unavailable = unavailable


def printable(url: str) -> str:
    """The URL without what could open it: no query, no credentials, no signed path segments."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    bare = re.sub(r"//[^/]*@", "//", bare)
    return _SIGNED_PATH.sub("/…/", ascii(bare)[1:-1])[:_LONGEST_URL]


def refused(url: str, code: str, why: str) -> DownloadError:
    """Our own guard said no; asking again can't change that."""
    return DownloadError(f"{printable(url)}: {why}", code=code, retryable=False)


def interrupted(url: str, code: str, why: str) -> DownloadError:
    """The exchange broke off; another try may succeed."""
    unavailable = code in ("connection_failed", "timeout")
    return DownloadError(
        f"{printable(url)}: {why}", code=code, retryable=True, unavailable=unavailable
    )


def for_status(url: str, status: int, headers: HTTPMessage) -> DownloadError:
    """The error that an answer other than 200 or a redirect stands for."""
    where = printable(url)
    if status in (403, 410):
        return DownloadError(
            f"{where}: answered {status}; the signed link has ended, a fresh one is needed",
            code="link_dead",
            retryable=True,
            link_dead=True,
        )
    if status == 404:
        return DownloadError(f"{where}: answered 404", code="not_found", retryable=False)
    if status in (425, 429):
        code, retryable = "rate_limited", True
    elif status == 408:
        code, retryable = "timeout", True
    elif status >= 500:
        code, retryable = "upstream_error", True
    else:
        code, retryable = "unexpected_status", False
    wait = parse_retry_after(headers.get("Retry-After")) if retryable else None
    return DownloadError(
        f"{where}: answered {status}",
        code=code,
        retryable=retryable,
        retry_after=wait,
        unavailable=status in _UNAVAILABLE or status > 501,
    )


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110, 10.2.3: seconds or a date), at most
    a day; None where there is none or it can't be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)

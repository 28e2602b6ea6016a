"""What a download may reach and how much it may cost."""

from __future__ import annotations

from dataclasses import dataclass

# A plain script's User-Agent is refused by some of TikTok's edges, and yt-dlp sends this Referer.
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


@dataclass(frozen=True)
class DownloadPolicy:
    """The bounds of every download. Times are in seconds, sizes in bytes.

    ``allowed_hosts``: ``.example.com`` is that domain and everything below it, ``example.com``
    or ``127.0.0.1`` exactly that host, ``*`` any host whose addresses are public.
    ``allow_loopback`` (development only) permits loopback addresses, and for them plain http and
    any port. ``total_timeout`` bounds one download with all its redirects.
    """

    allowed_hosts: tuple[str, ...]
    allow_loopback: bool = False
    max_bytes: int = 2 * 1024**3
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    total_timeout: float = 60.0
    max_redirects: int = 3
    user_agent: str = BROWSER
    referer: str = "https://www.tiktok.com/"

    def allows_host(self, host: str) -> bool:
        """Whether the (lower-case, unbracketed) host is on the list."""
        return any(_matches(host, entry.lower()) for entry in self.allowed_hosts)


def _matches(host: str, entry: str) -> bool:
    if entry.startswith("."):
        return host.endswith(entry) or host == entry[1:]
    return entry in ("*", host)

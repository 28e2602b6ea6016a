"""From a URL that came from outside to the addresses that may be connected to, or an error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from media_cache.download.addresses import Address, Resolve, is_public, parse_literal
from media_cache.download.errors import interrupted, refused
from media_cache.download.policy import DownloadPolicy

# Stricter than RFC 3986 on purpose: where parsers disagree (backslash, @, %-encoded host,
# fullwidth digits), there is nothing that we want to download.
_URL = re.compile(r"(?i:(https?))://([^/?#]*)([^#]*)(?:#.*)?")
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::([0-9]{1,5}))?")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_LONGEST_URL = 8192
# RFC 6761, RFC 6762, RFC 8375, ICANN's private-use "internal", and what Kubernetes uses.
_INSIDE_NAMES = (".localhost", ".local", ".localdomain", ".internal", ".home.arpa", ".svc")
_DEFAULT_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Route:
    """One request that was checked: whom to ask, at which addresses, for which exact bytes."""

    url: str
    scheme: str
    host: str
    port: int
    request_target: str
    addresses: tuple[str, ...]

    @property
    def host_header(self) -> str:
        """The Host header: brackets around IPv6, no port where it is the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT[self.scheme] else f"{host}:{self.port}"


def locate(url: str, policy: DownloadPolicy, resolve: Resolve) -> Route:
    """Check a URL and everything its name resolves to.

    The request target keeps the URL's bytes as they are. Raises ``DownloadError`` with code
    ``bad_url``, ``host_not_allowed``, ``blocked_address`` or (no answer) ``connection_failed``.
    """
    scheme, host, port, request_target = _split(url)
    if scheme == "http" and not policy.allow_loopback:
        raise refused(url, "bad_url", "only https is fetched")
    if not policy.allows_host(host):
        raise refused(url, "host_not_allowed", f"the host {host} is not on the list of allowed")
    addresses = _addresses(url, host, port, resolve)
    _check_addresses(url, addresses, policy)
    ordinary = scheme == "https" and port == 443
    if not ordinary and not all(address.is_loopback for address in addresses):
        raise refused(url, "bad_url", "only https on port 443 is fetched")
    return Route(url, scheme, host, port, request_target, tuple(map(str, addresses)))


def redirected(url: str, location: str) -> str:
    """The URL that a Location header names, byte for byte where it is absolute."""
    if location.startswith("//"):
        return f"{url.partition(':')[0]}:{location}"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", location):
        return location
    if location.startswith("/"):
        origin = re.match(r"[^:]+://[^/?#]*", url)
        return (origin[0] if origin else "") + location
    return urljoin(url, location)


def _split(url: str) -> tuple[str, str, int, str]:
    if len(url) > _LONGEST_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise refused(url, "bad_url", "spaces, backslashes or characters that a URL can't have")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise refused(url, "bad_url", "not an http(s) URL")
    authority = _AUTHORITY.fullmatch(parts[2])
    if authority is None:
        raise refused(url, "bad_url", "the host is malformed or carries credentials")
    scheme = parts[1].lower()
    host = (authority[1] or authority[2]).lower()
    _check_host(url, host, bracketed=authority[1] is not None)
    port = int(authority[3]) if authority[3] else _DEFAULT_PORT[scheme]
    if not 0 < port < 65536:
        raise refused(url, "bad_url", f"port {port} does not exist")
    target = parts[3]
    return scheme, host, port, target if target.startswith("/") else f"/{target}"


def _check_host(url: str, host: str, *, bracketed: bool) -> None:
    literal = parse_literal(host)
    if bracketed or literal is not None:
        if literal is None or bracketed != (literal.version == 6):
            raise refused(url, "bad_url", "the host is not an address")
        return
    if not _NAME.fullmatch(host):
        raise refused(url, "bad_url", "the host is not a name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise refused(url, "bad_url", "the host is a number in disguise")


def _addresses(url: str, host: str, port: int, resolve: Resolve) -> tuple[Address, ...]:
    literal = parse_literal(host)
    if literal is not None:
        return (literal,)
    try:
        answers = [parse_literal(answer) for answer in resolve(host, port)]
    except OSError as error:
        raise interrupted(url, "connection_failed", f"the name did not resolve: {error}") from None
    found = tuple(answer for answer in answers if answer is not None)
    if not found:
        raise interrupted(url, "connection_failed", "the name has no address")
    if len(found) != len(answers):
        raise refused(url, "blocked_address", f"{host} resolves to something that is no address")
    inside = f".{host}".endswith(_INSIDE_NAMES) or "." not in host
    if inside and not all(address.is_loopback for address in found):
        raise refused(url, "blocked_address", f"{host} is a name of an inside network")
    return found


def _check_addresses(url: str, addresses: tuple[Address, ...], policy: DownloadPolicy) -> None:
    """One inside address among many is enough: which one gets connected is a matter of luck."""
    for address in addresses:
        if policy.allow_loopback and address.is_loopback:
            continue
        if not is_public(address):
            raise refused(url, "blocked_address", f"{address} is not on the public internet")

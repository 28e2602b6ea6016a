"""Which addresses are the public internet. Everything else is somebody's inside.

Not ``ipaddress.is_global``: what it says about 192.0.0.0/24, 64:ff9b:1::/48, 2002::/16 and others
changed between patch releases of Python, and it calls multicast global.
Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

_INSIDE_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and the metadata service of one cloud
        "127.0.0.0/8",
        "168.63.129.16/32",  # looks public, is the host of an Azure machine
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")  # mapped, NAT64, ULA, link-local, ... lie outside
_INSIDE_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarking: protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries any IPv4 address, private ones too
        "3ffe::/16",
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet and to no tunnel into an inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _INSIDE_4)
    if address.scope_id is not None or address not in _GLOBAL_6:
        return False
    return not any(address in network for network in _INSIDE_6)


def parse_literal(host: str) -> Address | None:
    """The address that a host written as a literal stands for, or None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def system_resolve(host: str, port: int) -> list[str]:
    """Every address the system's resolver knows. Raises ``OSError`` (``socket.gaierror``)."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class ResolverCache:
    """Remembers answers for ``ttl`` seconds, so that a burst from one host asks once.

    Thread-safe. Caching doesn't weaken the guard: an answer is checked each time it is used, and
    it is the checked address that is connected to.
    """

    def __init__(self, resolve: Resolve, *, ttl: float = 30.0, size: int = 512) -> None:
        self._resolve = resolve
        self._ttl = ttl
        self._size = size
        self._answers: dict[tuple[str, int], tuple[float, list[str]]] = {}
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int) -> list[str]:
        """Raises what the resolver below raises; failures are not remembered."""
        key, now = (host, port), time.monotonic()
        with self._lock:
            known = self._answers.get(key)
        if known is not None and known[0] > now:
            return known[1]
        answer = self._resolve(host, port)
        with self._lock:
            if len(self._answers) >= self._size:
                self._answers.clear()
            self._answers[key] = (now + self._ttl, answer)
        return answer

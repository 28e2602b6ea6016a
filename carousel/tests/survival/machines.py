"""Several machines in one: network namespaces of Linux with addresses of their own.

A hub, where servers run, has a bridge at ``HUB``; each machine hangs on it by a cable that can be
pulled. Nothing of it is reachable from outside, nor reaches out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HUB = "10.231.77.1"
NETWORK = "10.231.77.0/24"


@dataclass(frozen=True)
class Machine:
    """A network namespace. ``cable`` is the hub's end of its link, empty for the hub itself."""

    namespace: str
    address: str
    cable: str = ""

    def command(self, program: Sequence[str]) -> list[str]:
        """``program`` as it is run on this machine, by this very process."""
        return [shutil.which("ip") or "ip", "netns", "exec", self.namespace, *program]


def why_not() -> str:
    """Why this can't be done here, in words; empty if it can."""
    if not shutil.which("ip"):
        return "there is no `ip` program (Debian package iproute2)"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    try:
        with machines(1):
            return ""
    except subprocess.CalledProcessError as error:
        return f"the kernel refuses network namespaces: {error.stderr.strip()}"


@contextlib.contextmanager
def machines(count: int) -> Iterator[list[Machine]]:
    """The hub and so many machines, gone with this block.

    Raises CalledProcessError where the system does not let us.
    """
    prefix = f"carousel-{os.getpid()}"
    hub = Machine(f"{prefix}-hub", HUB)
    others = [
        Machine(f"{prefix}-{number}", HUB[:-1] + f"{10 + number}", f"cable{number}")
        for number in range(count)
    ]
    try:
        for machine in (hub, *others):
            _ip("netns", "add", machine.namespace)
            _ip("-n", machine.namespace, "link", "set", "lo", "up")
        _ip("-n", hub.namespace, "link", "add", "bridge0", "type", "bridge")
        _ip("-n", hub.namespace, "addr", "add", f"{HUB}/24", "dev", "bridge0")
        _ip("-n", hub.namespace, "link", "set", "bridge0", "up")
        for machine in others:
            _lay_cable(hub, machine)
        yield [hub, *others]
    finally:
        for machine in (hub, *others):
            subprocess.run(["ip", "netns", "del", machine.namespace], capture_output=True)


def pull(cable: str) -> None:
    """Cut a machine off. For whoever runs on the hub."""
    _ip("link", "set", cable, "down")


def _lay_cable(hub: Machine, machine: Machine) -> None:
    inside = ("-n", machine.namespace)
    ends = ("type", "veth", "peer", "name", "eth0", "netns", machine.namespace)
    _ip("-n", hub.namespace, "link", "add", machine.cable, *ends)
    _ip("-n", hub.namespace, "link", "set", machine.cable, "master", "bridge0", "up")
    _ip(*inside, "addr", "add", f"{machine.address}/24", "dev", "eth0")
    _ip(*inside, "link", "set", "eth0", "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

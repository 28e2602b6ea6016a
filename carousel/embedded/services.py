"""A private PostgreSQL and Valkey for as long as a `with` block lasts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from carousel.embedded.account import Account, account_for, private_folder, shared_folder
from carousel.embedded.errors import EmbeddedError
from carousel.embedded.locations import Locations, locations_in
from carousel.embedded.postgres import Postgres
from carousel.embedded.valkey import Valkey


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """Where a pair of embedded servers answers."""

    database_url: str
    redis_url: str


class Services:
    """The embedded servers of one data folder, each started when it is first asked for."""

    def __init__(self, locations: Locations, *, fsync: bool = True, watch: bool = False) -> None:
        self._locations = locations
        self._fsync = fsync
        self._watch = watch
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    def prepare(self) -> Account:
        """Make the folders; gives the user the servers run as. Raises EmbeddedError."""
        where = self._locations
        shared_folder(where.data)
        shared_folder(where.logs)
        account = account_for(where.data)
        private_folder(where.run, account)
        return account

    def start(self, *, database: bool, redis: bool) -> None:
        """Start what is wanted and not there yet, and wait until it answers.

        Raises EmbeddedError with one line that says what to do.
        """
        where = self._locations
        account = self.prepare()
        try:
            if redis and self.valkey is None:
                self.valkey = Valkey(where, account, fsync=self._fsync, watch=self._watch)
                self.valkey.start()
            if database and self.postgres is None:
                self.postgres = Postgres(where, account, fsync=self._fsync, watch=self._watch)
                self.postgres.start()
            if redis and self.valkey:
                self.valkey.wait_ready()
            if database and self.postgres:
                self.postgres.wait_ready()
        except EmbeddedError:
            self._forget_dead()
            raise

    def dead(self) -> str | None:
        """One line about a server that ended by itself, or None while all is well."""
        for server in (self.postgres, self.valkey):
            if server is not None and server.process.exit_code is not None:
                return server.process.epitaph()
        return None

    def _forget_dead(self) -> None:
        """After a failed start: what did not come up may be asked for again."""
        if self.valkey is not None and not self.valkey.process.running:
            self.valkey = None
        if self.postgres is not None and not self.postgres.process.running:
            self.postgres = None

    def stop(self) -> None:
        """Stop both; the messenger before the truth."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()
        self.valkey = self.postgres = None
        for leftover in ("keeper.sock", "valkey.sock"):
            with contextlib.suppress(OSError):
                (self._locations.run / leftover).unlink()
        if self._locations.run.parent != self._locations.data:
            with contextlib.suppress(OSError):
                self._locations.run.rmdir()


@contextlib.contextmanager
def embedded_services(
    data_dir: Path,
    *,
    fsync: bool = True,
    database: bool = True,
    redis: bool = True,
    watch: bool = False,
) -> Iterator[ServiceUrls]:
    """Run PostgreSQL and Valkey with their data in `data_dir`, for this block only.

    The servers are children of this process and end with it, however it ends. `fsync=False`
    trades durability for speed in tests. Start it from the main thread: on Linux the servers end
    with the thread that started them. Raises EmbeddedError with one line that says what to do.
    """
    where = locations_in(data_dir)
    services = Services(where, fsync=fsync, watch=watch)
    try:
        services.start(database=database, redis=redis)
        yield ServiceUrls(where.database_url, where.redis_url)
    finally:
        services.stop()

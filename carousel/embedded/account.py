"""Which user the servers run as, and what that user can reach."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from carousel.embedded.errors import EmbeddedError


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system; `switch` says that we are root and must become it."""

    uid: int
    gid: int
    switch: bool


def account_for(data: Path) -> Account:
    """The user who runs the servers that keep their files in `data`.

    PostgreSQL refuses to run as root. Root therefore becomes whoever owns existing data, else the
    owner of the checkout, so that `sudo` once does not lock that person out, else `nobody`.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    for path in (data / "postgres", data / "valkey", data, data.parent):
        try:
            owner = path.stat().st_uid
            if owner != 0:
                known = pwd.getpwuid(owner)  # initdb insists on a name for its user
                return Account(known.pw_uid, known.pw_gid, switch=True)
        except (FileNotFoundError, KeyError):
            continue
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root and there is no user `nobody`: "
            "run this as an ordinary user, or set DATABASE_URL and REDIS_URL"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid, switch=True)


def can_reach(account: Account, path: Path) -> bool:
    """Whether `account` may enter every folder above `path` (mode bits only)."""
    for folder in path.resolve().parents:
        found = folder.stat()
        if found.st_uid == account.uid:
            allowed = found.st_mode & stat.S_IXUSR
        elif found.st_gid == account.gid:
            allowed = found.st_mode & stat.S_IXGRP
        else:
            allowed = found.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def private_folder(path: Path, account: Account) -> None:
    """Make `path` a folder that only `account` can enter.

    Raises EmbeddedError if something else is there, or if it belongs to another user.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedError(f"{path} is not a folder: remove it and start again")
    if found.st_uid != account.uid:
        if not account.switch or found.st_uid != 0:
            raise EmbeddedError(
                f"{path} belongs to user {_name(found.st_uid)}: run this as that user, "
                "or remove the folder"
            )
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def shared_folder(path: Path) -> None:
    """Make `path` a folder of the same owner as the folder it is in.

    Raises EmbeddedError if this user may not write there.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise EmbeddedError(
            f"{path} belongs to user {_name(path.stat().st_uid)} and is not writable: run this as "
            "that user, or remove the folder"
        )
    if os.geteuid() == 0:
        above = path.parent.stat()
        os.chown(path, above.st_uid, above.st_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

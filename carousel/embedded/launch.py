"""Give up root, promise to end with the parent, then become the program that was asked for.

A script, not a module: it is run as `python -I -S launch.py OPTIONS -- PROGRAM ARGUMENTS` between
the fork and the program, because Python code between fork and exec is unsafe beside threads.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import signal
import sys
import time

# linux/prctl.h, linux/capability.h
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522

POLL_SECONDS = 0.2


def main() -> None:
    """Parse the options, prepare this process and replace it by the program."""
    options = _options()
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True) if linux else None
    if options.uid is not None:
        _give_up_root(options.uid, options.gid, libc if options.search else None)
    os.umask(0o077)
    if libc is None or options.watch:
        _watch(options, libc)
    else:
        _die_with(options.parent, options.death_signal, libc)
        _become(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="launch.py")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--search", action="store_true", help="keep the right to enter any folder")
    parser.add_argument("--watch", action="store_true", help="stay beside it, as outside Linux")
    parser.add_argument("--patience", type=float, default=20.0, help="seconds, with --watch")
    parser.add_argument("--clean", action="store_true", help="give the program a bare environment")
    parser.add_argument("program", nargs="+")
    return parser.parse_args()


def _give_up_root(uid: int, gid: int, libc: ctypes.CDLL | None) -> None:
    if libc is not None:
        # access(2), which initdb asks about its programs, ignores a capability without this.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        if libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_KEEPCAPS)")
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except PermissionError as error:
        sys.exit(f"error: root may not become user {uid} here ({error}): run as an ordinary user")
    if libc is not None:
        _keep_right_to_enter(libc)


def _keep_right_to_enter(libc: ctypes.CDLL) -> None:
    """Keep one capability of root's across exec: entering folders closed to this user.

    A checkout below a home of mode 0700 is out of reach for `nobody`. The narrow right is tried
    first; containers commonly have only the wide one.
    """
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        bit = 1 << capability
        header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
        effective_permitted_inheritable = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if libc.capset(header, effective_permitted_inheritable) != 0:
            continue
        if libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0:
            return
    sys.exit(
        "error: root may not hand on the right to enter folders closed to others: "
        "move the checkout out of them, or set DATABASE_URL and REDIS_URL"
    )


def _die_with(parent: int, death_signal: int, libc: ctypes.CDLL) -> None:
    """Ask for a signal when the parent dies; to be called after any change of user, not before."""
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the process that wanted this one has ended")


def _become(options: argparse.Namespace) -> None:
    if options.clean:
        # The user's PG*, LC_* and TZ variables must not change how a server behaves.
        bare = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        os.execve(options.program[0], options.program, bare)
    os.execv(options.program[0], options.program)


def _watch(options: argparse.Namespace, libc: ctypes.CDLL | None) -> None:
    """Stay beside the program until it and every process it started in its group have ended.

    Signals are passed on. When the parent is gone the program gets the death signal and a few
    seconds. SIGUSR1 kills the whole group at once, as the end of the program itself does with
    what it left running.
    """
    watcher = os.getpid()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        if libc is not None:
            _die_with(watcher, options.death_signal, libc)
        _become(options)
    wake_up = _pass_signals_on(child)
    kill_at = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            _kill_group(child)
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
        if kill_at is None and os.getppid() != options.parent:
            _send(child, options.death_signal)
            kill_at = time.monotonic() + options.patience
        if kill_at is not None and time.monotonic() > kill_at:
            _kill_group(child)
        if select.select([wake_up], [], [], POLL_SECONDS)[0]:
            os.read(wake_up, 4096)


def _pass_signals_on(child: int) -> int:
    """Give our signals to the program; gives a descriptor that is readable after any of them."""
    wake_up, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda received, _frame: _send(child, received))
    signal.signal(signal.SIGUSR1, lambda _number, _frame: _kill_group(child))
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return wake_up


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    main()

"""Give up root, promise to end with the parent, then become the program that was asked for.

A script, not a module: it is run as `python -I -S launch.py OPTIONS -- PROGRAM ARGUMENTS` between
the fork and the program, because Python code between fork and exec is unsafe beside threads.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
import time

# linux/prctl.h, linux/capability.h
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
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
    # Changing the user clears the death signal, so it is set after that.
    if libc is not None and not options.watch:
        if libc.prctl(PR_SET_PDEATHSIG, options.death_signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != options.parent:
            sys.exit("the process that wanted this server has ended")
        _become(options)
    _watch(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="launch.py")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--search", action="store_true", help="keep the right to enter any folder")
    parser.add_argument("--watch", action="store_true", help="poll the parent, as outside Linux")
    parser.add_argument("--clean", action="store_true", help="give the program a bare environment")
    parser.add_argument("program", nargs="+")
    return parser.parse_args()


def _give_up_root(uid: int, gid: int, libc: ctypes.CDLL | None) -> None:
    if libc is not None and libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_KEEPCAPS)")
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
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
    sys.exit("root may not hand on the right to enter closed folders here")


def _become(options: argparse.Namespace) -> None:
    if options.clean:
        # The user's PG*, LC_* and TZ variables must not change how a server behaves.
        bare = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        os.execve(options.program[0], options.program, bare)
    os.execv(options.program[0], options.program)


def _watch(options: argparse.Namespace) -> None:
    """Stay beside the program: pass signals on, and end it when the parent is gone."""
    child = os.fork()
    if child == 0:
        _become(options)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    told = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(code if code >= 0 else 128 - code)
        if os.getppid() != options.parent and not told:
            os.kill(child, options.death_signal)
            told = True
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()

"""Processes that end with the one that started them (Linux).

Two nets: every child asks the kernel for a signal at its parent's death, and the supervisor is a subreaper,
so that what is orphaned below it becomes its own child and is ended by it.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import time
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

INSTANCE = "PASSERELLE_INSTANCE"
"""Names, in the environment of each process of ours, the data directory it works for."""


def tied(command: Sequence[str]) -> list[str]:
    """Return the command wrapped so that it gets SIGTERM when its parent dies, however that dies."""
    # setpriv (util-linux) sets it between fork and exec: no Python start-up, and it works for Node too.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else list(command)


def become_subreaper() -> None:
    """Let orphans below this process become its children."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(kept: Container[int]) -> None:
    """Take leave of dead children that were orphans; those kept are somebody else's to wait for, and soon."""
    while True:
        try:
            # Looked at, not taken: it may be one that is kept.
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if dead is None or dead.si_pid in kept:
            return
        os.waitpid(dead.si_pid, 0)


def born(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None where it has ended. With its id it is unique."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _parents() -> dict[int, int]:
    """Return the parent of each process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # it has ended since
            # The name, in parentheses, may hold spaces and parentheses itself.
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def descendants(ancestor: int) -> list[int]:
    """Return the processes below a process, nearest first; zombies included."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    level = [ancestor]
    while level:
        level = [child for pid in level for child in children.get(pid, ())]
        found += level
    return found


def stale(root: Path) -> list[int]:
    """Return processes of this user that work for a data directory and are not below this process."""
    mine = {os.getpid(), os.getppid(), *descendants(os.getpid())}
    wanted = f"{INSTANCE}={root}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in mine:
            continue
        try:
            if entry.stat().st_uid == os.getuid() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue  # it has ended, or is not ours to read
    return found


def _running(pids: Iterable[int]) -> list[int]:
    """Return those that are neither gone nor zombies; reap our own dead children."""
    left = []
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            left.append(pid)
    return left


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def end(pids: Sequence[int], grace_s: float) -> list[int]:
    """End processes: SIGTERM, and after the grace SIGKILL.

    Returns:
        Those that are still running, which should be none.
    """
    send(pids, signal.SIGTERM)
    left = wait_for_end(pids, grace_s)
    if left:
        send(left, signal.SIGKILL)
        left = wait_for_end(left, 2.0)
    return left


def wait_for_end(pids: Sequence[int], timeout_s: float) -> list[int]:
    """Wait until the processes have ended, for a bounded time; return those still running."""
    until = time.monotonic() + timeout_s
    left = _running(pids)
    while left and time.monotonic() < until:
        time.sleep(0.05)
        left = _running(left)
    return left

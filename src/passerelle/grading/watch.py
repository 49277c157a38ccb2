"""Watches a box from outside, in /proc: which processes it has, their memory and CPU time."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_KNOWS_CHILDREN = Path("/proc/thread-self/children").exists()  # a kernel may be built without


@dataclass(frozen=True)
class Process:
    """A process: `memory` is resident, shared pages included; bytes, seconds. `born`: when, in ticks."""

    pid: int
    parent: int
    state: str
    cpu_s: float
    memory: int
    born: int


def process(pid: int) -> Process | None:
    """Return a process as it is now; None where it is gone."""
    try:
        # The name in brackets may hold anything, brackets too.
        after = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    cpu = (int(after[11]) + int(after[12])) / _TICK
    return Process(pid, int(after[1]), after[0].decode(), cpu, int(after[21]) * _PAGE, int(after[19]))


def below(root: int) -> list[Process]:
    """Return the living processes below one, it excepted."""
    inside: list[Process] = []
    waiting = [root]
    while waiting:
        # Asked of each, not of all: a machine has many processes, and this is asked several times a second.
        for child in _children(waiting.pop()):
            waiting.append(child)
            found = process(child)
            if found is not None and found.state not in "ZX":
                inside.append(found)
    return inside


def _children(pid: int) -> list[int]:
    """Return the processes that one has begun and that are there."""
    found: list[int] = []
    if not _KNOWS_CHILDREN:
        names = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208  no path is needed
        return [one.pid for one in map(process, names) if one is not None and one.parent == pid]
    with contextlib.suppress(OSError):  # it ends meanwhile
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  no path is needed
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split())
    return found


def own_memory(pid: int) -> int:
    """Return a process's share of memory in bytes (shared pages divided among those who share them)."""
    try:
        for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if row.startswith("Pss:"):
                return int(row.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return 0


def is_alive(pid: int) -> bool:
    """Say whether a process runs."""
    found = process(pid)
    return found is not None and found.state not in "ZX"


def end(pid: int, born: int | None = None) -> None:
    """Kill a process, if it is still there.

    `born` (of `Process`): only where it is that very process, and not another one under a number that is used again.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        descriptor = os.pidfd_open(pid)
        try:
            # From here on the descriptor means one process, whoever has the number later.
            now = process(pid)
            if born is None or (now is not None and now.born == born):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)

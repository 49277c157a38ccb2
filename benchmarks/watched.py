"""Run a command and know what its whole tree of processes took: seconds, processor, memory."""

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MB = 1024 * 1024
_PR_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Sizes:
    """Bytes of a tree of processes at one moment.

    `pss` divides each page among all who map it, so it is what the tree really takes; `private` is the sum of what
    is mapped by one process alone; `unseen` is how many processes would not say.
    """

    at: float
    pss: int
    private: int
    processes: int
    unseen: int


@dataclass
class Ran:
    """What a command took: wall-clock seconds, CPU seconds of it and of all below it, and its last output."""

    wall_s: float
    cpu_s: float
    code: int
    output: str
    errors: str
    sizes: list[Sizes] = field(default_factory=list)


def ran(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, look: bool = False
) -> Ran:
    """Run a command to its end; `look` at its memory on the way, which costs some of the time.

    Processes that lose their parent become ours, so that their time is counted, too.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    done, sizes = threading.Event(), list[Sizes]()
    looker = threading.Thread(target=_look, args=(process.pid, done, sizes, began))
    if look:
        looker.start()
    output, errors = process.communicate()
    wall = time.monotonic() - began
    done.set()
    if look:
        looker.join()
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(wall, cpu, process.returncode, output, errors, sizes)


def _look(root: int, done: threading.Event, sizes: list[Sizes], began: float) -> None:
    while not done.wait(_LOOK_EVERY_S):
        sizes.append(sizes_of(root, time.monotonic() - began))


def sizes_of(root: int, at: float = 0.0) -> Sizes:
    """Return what a tree of processes takes at one moment: it stands still while we look, for its parts share pages."""
    pss = private = unseen = 0
    still = set[int]()
    try:
        while new := set(tree(root)) - still:
            _signal(new, signal.SIGSTOP)
            still |= new
        for pid in still:
            try:
                rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            except OSError:
                unseen += 1
                continue
            parts = {row.split(":")[0]: int(row.split()[1]) * 1024 for row in rows[1:]}
            pss += parts.get("Pss", 0)
            private += parts.get("Private_Clean", 0) + parts.get("Private_Dirty", 0)
    finally:
        _signal(still, signal.SIGCONT)
    return Sizes(at, pss, private, len(still), unseen)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def cpu_of(root: int) -> float:
    """Return the CPU seconds of a tree of processes so far, of those that ended and were waited for, too."""
    ticks = 0
    for pid in tree(root):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def tree(root: int) -> Iterator[int]:
    """Yield a process and all that are below it now."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            below.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += below.get(pid, [])

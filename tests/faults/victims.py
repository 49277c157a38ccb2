"""Finds the processes below a run of `passerelle mark` by what they do: who is to be killed, and what is left behind."""

import ctypes
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Seen:
    """A process: when it began (in ticks), its command line in one text, and those above it, nearest first."""

    pid: int
    born: int
    line: str
    above: tuple[str, ...] = ()


Role = Callable[[Seen], bool]


def _within(module: str) -> Role:
    """Tell of a process whether it runs a module behind a wall, or is the wall, or belongs to what runs there."""
    return lambda one: module in one.line or any(module in line for line in one.above)


def _is_worker(one: Seen) -> bool:
    return "spawn_main" in one.line and "-m passerelle" in " ".join(one.above) and "bwrap" not in " ".join(one.above)


CLIENT, SCHEDULER, WORKER = "client (and writer)", "scheduler", "worker"
WARM, BOX, EXAMINER, BROWSER = "warm process", "box", "examiner", "browser"
ROLES: Mapping[str, Role] = {
    WORKER: _is_worker,
    BOX: _within("autograders.box"),
    EXAMINER: _within("passerelle.grading.examiner"),
    BROWSER: _within("autograders.web_browser"),
}
"""Who may be killed below the client: a predicate over a process and those above it."""


def become_reaper() -> None:
    """Let whatever loses its parent below this process become its child: nothing leaves unseen."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def below(root: int) -> list[Seen]:
    """Return the living processes below one."""
    lines: dict[int, str] = {}
    born: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                facts = (path / "stat").read_bytes().rpartition(b")")[2].split()
                children.setdefault(int(facts[1]), []).append(int(path.name))
                born[int(path.name)] = int(facts[19])
                if facts[0] not in b"ZX":
                    words = (path / "cmdline").read_bytes().replace(b"\0", b" ")
                    lines[int(path.name)] = words.decode("utf-8", "replace")
    found: list[Seen] = []
    waiting: list[tuple[int, tuple[str, ...]]] = [(root, (lines.get(root, ""),))]
    while waiting:
        parent_pid, above = waiting.pop()
        for pid in children.get(parent_pid, ()):
            if pid in lines:
                found.append(Seen(pid, born[pid], lines[pid], above))
            waiting.append((pid, (lines.get(pid, ""), *above)))
    return found


def playing(role: str, client: int) -> list[int]:
    """Return the processes of a role in a run; none where there is none at this moment."""
    if role == CLIENT:
        return [client]
    return [one.pid for one in below(client) if ROLES[role](one)]


def kill(pid: int) -> list[Seen] | None:
    """Kill -9; return what stood below it, None where it was gone already."""
    found = below(pid)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return found


def still_there(those: list[Seen]) -> list[Seen]:
    """Return those that live on."""
    now = {(one.pid, one.born) for one in below(os.getpid())}
    return [one for one in those if (one.pid, one.born) in now]


def reap(known: set[int]) -> None:
    """Take leave of the ended processes that became this one's; `known` are others' to wait for."""
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in map(int, path.read_text().split()):
            if pid not in known:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

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
    """A process: when it began (in ticks), how many namespaces of processes deep, its command line in one text.

    `above` are the command lines of those above it, nearest first.
    """

    pid: int
    born: int
    depth: int
    line: str
    above: tuple[str, ...] = ()


Role = Callable[[Seen], bool]
_SERVER, _WORKERS = "autograders.forkserver", "passerelle-workers"


def _forked_for(agent: str) -> Role:
    """Tell of a process whether it is in a fork of a warm process: two namespaces deep, whatever it calls itself."""
    return lambda one: (
        one.depth > 1 and any(_SERVER in line and f" {agent} " in line for line in (one.line, *one.above))
    )


def _is_warm(one: Seen) -> bool:
    return _SERVER in one.line and (one.depth == 1 or "bwrap" in one.line)


def _is_browser(one: Seen) -> bool:
    return any("autograders.web_browser" in line for line in (one.line, *one.above))


def _is_worker(one: Seen) -> bool:
    return _WORKERS in one.line and bool(one.above) and _WORKERS in one.above[0]


def _is_nest(one: Seen) -> bool:
    return _WORKERS in one.line and not _is_worker(one)


CLIENT, NEST, WORKER = "client (scheduler and writer)", "what forks the workers", "worker"
WARM, BOX, EXAMINER, BROWSER = "warm process", "box", "examiner", "browser"
ROLES: Mapping[str, Role] = {
    NEST: _is_nest,
    WORKER: _is_worker,
    WARM: _is_warm,
    BOX: _forked_for("autograders.box"),
    EXAMINER: _forked_for("passerelle.grading.examiner"),
    BROWSER: _is_browser,
}
"""Who may be killed below the client: a predicate over a process and those above it."""


def become_reaper() -> None:
    """Let whatever loses its parent below this process become its child: nothing leaves unseen."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def below(root: int) -> list[Seen]:
    """Return the living processes below one."""
    lines: dict[int, str] = {}
    born: dict[int, int] = {}
    depth: dict[int, int] = {}
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
                    depth[int(path.name)] = _depth(path)
    found: list[Seen] = []
    waiting: list[tuple[int, tuple[str, ...]]] = [(root, (lines.get(root, ""),))]
    while waiting:
        parent_pid, above = waiting.pop()
        for pid in children.get(parent_pid, ()):
            if pid in lines:
                found.append(Seen(pid, born[pid], depth[pid], lines[pid], above))
            waiting.append((pid, (lines.get(pid, ""), *above)))
    return found


def _depth(process: Path) -> int:
    rows = (process / "status").read_text("utf-8", "replace").splitlines()
    return next((len(row.split()) - 2 for row in rows if row.startswith("NSpid:")), 0)


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

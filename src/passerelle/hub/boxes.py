"""The boxes that run now, as /proc shows them from outside: whose they are, what is in them, what they hold.

Nothing here believes what a box says of itself. Whose a box is stands in the command line of the bubblewrap that
is outside it, and what runs in it is what lies below that process.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from passerelle.hub.box import SCRATCH
from passerelle.model.settings import Settings

_INIT, _SERVER = 1, 2
"""Process ids inside a box: bubblewrap's own, and what it runs. Nobody else has them while the box is there."""
_PASSES = 20
EXACT_FROM = 0.8
"""From which share of a limit on memory is counted exactly, which costs a walk through each process's pages."""


@dataclass(frozen=True)
class Entry:
    """A line of the process table; `started` (ticks since boot) tells two processes with one id apart."""

    pid: int
    parent: int
    name: str
    started: int


@dataclass(frozen=True)
class Member:
    """A process in a box. `inner` is its id inside. Bytes.

    `private` is the memory that is its own, with what it shares with its forks counted in each of them;
    `shared` what it has mapped of memory that has a name (/dev/shm and the like). `place` is where /proc shows what it
    holds: where its first thread has ended and others go on, not at its own.
    """

    pid: int
    parent: int
    started: int
    inner: int
    stopped: bool
    threads: int
    private: int
    shared: int
    place: str


@dataclass
class RunningBox:
    """A box that runs."""

    handle: str
    home: Path
    outside: Entry
    members: list[Member] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, int]:
        """Return what tells this run of the box from the next."""
        return self.outside.pid, self.outside.started

    @cached_property
    def server(self) -> Member | None:
        """Return the process that the box was made for."""
        return next((member for member in self.members if member.inner == _SERVER), None)

    @property
    def threads(self) -> int:
        """Return how many processes and threads there are, as the limit on them counts."""
        return sum(member.threads for member in self.members)

    @cached_property
    def scratch(self) -> int:
        """Return the bytes in the box's file systems that are in memory."""
        if self.server is None:
            return 0
        used = 0
        for path in SCRATCH:
            # Mount points in a read-only root: nobody in there can put something else in their place.
            with contextlib.suppress(OSError):
                found = os.statvfs(f"/proc/{self.server.pid}/root{path}")
                used += (found.f_blocks - found.f_bfree) * found.f_frsize
        return used

    def memory(self, exact_above: int, nameless: int = 0) -> int:
        """Return the bytes that end with this box: private memory, and what is in its scratch file systems.

        Files that are mapped (Python, numpy) are left out: all boxes share them, and the kernel takes them back by
        itself. Pages that forks share are counted once only where the quick sum is above `exact_above`.
        `nameless` are bytes of files in memory that have no place (`memfd_create`).
        """
        private = sum(member.private for member in self.members)
        shared = sum(member.shared for member in self.members)
        files = self.scratch + nameless
        if private + max(shared, files) > exact_above:
            private, shared = (sum(parts) for parts in zip(*map(_exact, self.members), strict=True))
        # What is mapped of a file in memory is in that file too.
        return private + max(shared, files)

    def groups(self) -> list[list[Member]]:
        """Return what can be ended without the server: each of its children (a kernel, a terminal) with all below it.

        What has lost its parent belongs to the box's first process; each of those is a group too.
        """
        children: dict[int, list[Member]] = {}
        for member in self.members:
            children.setdefault(member.parent, []).append(member)
        above = {member.pid for member in self.members if member.inner in {_INIT, _SERVER}}
        groups = []
        for top in (one for pid in above for one in children.get(pid, ()) if one.pid not in above):
            group, waiting = [], [top]
            while waiting:
                one = waiting.pop()
                group.append(one)
                waiting += children.get(one.pid, ())
            groups.append(group)
        return groups

    def biggest_group(self) -> list[Member]:
        """Return the group that holds most memory; an empty one where the server is alone."""
        return max(self.groups(), key=lambda group: sum(one.private + one.shared for one in group), default=[])

    def written(self) -> tuple[dict[int, int], bool]:
        """Return the bytes that each process has written so far, and whether all of them let us see that."""
        found, all_seen = {}, True
        for member in self.members:
            try:
                lines = dict(row.split(b": ") for row in _read(f"/proc/{member.pid}/io").splitlines())
            except PermissionError:
                all_seen = False
                continue
            except (OSError, ValueError):
                continue
            # The first counts pipes too, the second neither scratch nor what is still to be written: the larger one.
            found[member.pid] = max(int(lines[b"wchar"]), int(lines[b"write_bytes"]))
        return found, all_seen

    def nameless_files(self) -> tuple[int, bool]:
        """Return the bytes of files in memory without a place, and whether all processes let us see theirs."""
        found: dict[tuple[int, int], int] = {}
        all_seen = True
        for member in self.members:
            try:
                names = os.listdir(f"{member.place}/fd")  # noqa: PTH208  # many a look: paths cost more than reading
            except PermissionError:
                # What is just ending is closed to us, too, and gives its memory back; who hides something has some.
                entry = _entry(member.pid)
                now = _member(entry) if entry is not None and entry.started == member.started else None
                all_seen = all_seen and (now is None or not now.private)
                continue
            except OSError:
                continue
            for name in names:
                with contextlib.suppress(OSError):
                    if os.readlink(f"{member.place}/fd/{name}").startswith("/memfd:"):  # noqa: PTH115
                        about = os.stat(f"{member.place}/fd/{name}")  # noqa: PTH116
                        found[about.st_dev, about.st_ino] = about.st_blocks * 512
        return sum(found.values()), all_seen


def running_boxes(settings: Settings) -> list[RunningBox]:
    """Return the boxes of fellows and of courses on this data directory."""
    table = {entry.pid: entry for entry in _table()}
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    boxes = []
    # From the top: whatever pretends in a box to be one is below it, and is taken for what it is.
    waiting = [pid for pid, entry in table.items() if entry.parent not in table]
    while waiting:
        entry = table[waiting.pop()]
        place = _place(settings, entry.pid) if entry.name == "bwrap" else None
        if place is None:
            waiting += children.get(entry.pid, ())
            continue
        box = RunningBox(*place, entry)
        below = list(children.get(entry.pid, ()))
        while below:
            pid = below.pop()
            below += children.get(pid, ())
            if (member := _member(table[pid])) is not None:
                box.members.append(member)
        boxes.append(box)
    return boxes


def send(members: Iterable[Member], number: signal.Signals) -> None:
    """Send a signal to these very processes, not to what has their number since."""
    for member in members:
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(member.pid)
            try:
                entry = _entry(member.pid)
                if entry is not None and entry.started == member.started:
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)


def end_groups(settings: Settings, box: RunningBox) -> int:
    """End everything but the server; return how many processes that were.

    They are stopped first, until none is left that runs: what is killed while its kin multiply is replaced faster
    than we look, while what is stopped still takes a place in the limit on processes.
    """
    found: RunningBox | None = box
    members: list[Member] = []
    for _ in range(_PASSES):
        if found is None:
            break
        members = [member for group in found.groups() for member in group]
        running = [member for member in members if not member.stopped]
        if not running:
            break
        send(running, signal.SIGSTOP)
        found = next((one for one in running_boxes(settings) if one.key == box.key), None)
    send(members, signal.SIGKILL)
    return len(members)


def end_box(box: RunningBox) -> None:
    """End a box as a whole: the kernel ends all of it when the first process in it is gone."""
    send((member for member in box.members if member.inner == _INIT), signal.SIGKILL)


def raise_oom_score(box: RunningBox) -> None:
    """Let the machine, should it ever have to choose, take a kernel before its server, and both before us."""
    for member in box.members:
        wanted = "500" if member.inner in {_INIT, _SERVER} else "700"
        with contextlib.suppress(OSError):
            Path(f"/proc/{member.pid}/oom_score_adj").write_text(wanted)


def machine_memory() -> dict[str, int]:
    """Return what the kernel says of the machine's memory (MemTotal, MemAvailable, Shmem …) in bytes."""
    rows = (row.split() for row in Path("/proc/meminfo").read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def _read(path: str) -> bytes:
    # Hundreds of these a second: a Path and a decoder would cost more than the reading.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1 << 20)
    finally:
        os.close(descriptor)


def _table() -> Iterator[Entry]:
    for name in os.listdir("/proc"):  # noqa: PTH208  # as above
        if name.isdigit() and (entry := _entry(int(name))) is not None:
            yield entry


def _entry(pid: int) -> Entry | None:
    try:
        before, _, after = _read(f"/proc/{pid}/stat").rpartition(b")")
    except OSError:
        return None  # it has ended
    fields = after.split()
    return Entry(pid, int(fields[1]), before.partition(b"(")[2].decode("utf-8", "replace"), int(fields[19]))


def _place(settings: Settings, pid: int) -> tuple[str, Path] | None:
    """Return whose box a bubblewrap is, and the home in it; None where it is none of this data directory's."""
    try:
        words = _read(f"/proc/{pid}/cmdline").split(b"\0")
    except OSError:
        return None
    for index in range(len(words) - 2):
        if words[index] == b"--":
            break  # from here on it is what the box runs
        if words[index] == b"--bind" and words[index + 2].startswith(b"/home/"):
            home, handle = Path(os.fsdecode(words[index + 1])), os.fsdecode(words[index + 2][len(b"/home/") :])
            if home.parent in {settings.homes, settings.courses}:
                return handle, home
    return None


def _member(entry: Entry) -> Member | None:
    place = f"/proc/{entry.pid}"
    try:
        about = holds = _status(place)
        if _ended(about) and about[b"Threads"] != [b"1"]:
            place, holds = next(_living_threads(place), (place, holds))
    except OSError:
        return None
    if _ended(holds):
        return None

    def size(name: bytes) -> int:
        return int(holds[name][0]) * 1024 if name in holds else 0

    return Member(
        entry.pid,
        entry.parent,
        entry.started,
        int(about[b"NSpid"][-1]) if len(about.get(b"NSpid", ())) > 1 else 0,
        holds[b"State"][0] == b"T",
        int(about[b"Threads"][0]),
        size(b"RssAnon") + size(b"VmSwap"),
        size(b"RssShmem"),
        place,
    )


def _status(place: str) -> dict[bytes, list[bytes]]:
    rows = _read(f"{place}/status").splitlines()
    return {name: rest.split() for name, _, rest in (row.partition(b":") for row in rows)}


def _ended(about: dict[bytes, list[bytes]]) -> bool:
    return about[b"State"][0] in {b"Z", b"X"}


def _living_threads(place: str) -> Iterator[tuple[str, dict[bytes, list[bytes]]]]:
    for name in os.listdir(f"{place}/task"):  # noqa: PTH208  # as above
        with contextlib.suppress(OSError):
            about = _status(thread := f"{place}/task/{name}")
            if not _ended(about):
                yield thread, about


def _exact(member: Member) -> tuple[int, int]:
    """Return private and shared memory, each page divided among those who share it."""
    try:
        rows = _read(f"{member.place}/smaps_rollup").splitlines()[1:]
        about = {name: int(rest.split()[0]) * 1024 for name, _, rest in (row.partition(b":") for row in rows)}
        return about[b"Pss_Anon"] + about.get(b"SwapPss", 0), about[b"Pss_Shmem"]
    except ProcessLookupError:
        return 0, 0  # it has ended
    except (OSError, KeyError, ValueError):
        return member.private, member.shared

"""Keeps every server to its share of memory and disk: `python -m passerelle.hub.watchdog`.

There is one service user, hence no quotas, and most machines delegate no cgroups: so somebody looks, from outside
the boxes, and ends what is too much. It holds no state that matters; killed and started again, it goes on.

What is ended is a kernel, with all that it started, or a terminal: the server lives on, and with it her page, her
saved text, and the means to tidy up. Only a box whose server is alone with too much is ended as a whole.
"""

import contextlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from passerelle.hub import logs
from passerelle.hub.box import PROCESSES
from passerelle.hub.boxes import (
    EXACT_FROM,
    RunningBox,
    end_box,
    end_groups,
    machine_memory,
    raise_oom_score,
    running_boxes,
    send,
)
from passerelle.hub.homes import Usage, Walk, put_notice
from passerelle.model.keys import write_private
from passerelle.model.settings import Settings

MB = 1024 * 1024
LOOK_S = 1.0
CLOSE_LOOK_S = 0.25
"""Between two looks while somebody comes near a limit."""
WALK_S, FULL_WALK_S, WRITING_WALK_S = 30.0, 5.0, 1.0
"""Between two walks through a home: usually, where it is too full, and where its box writes."""
REST_S = 2.0
"""How long the machine may take to give memory back, before another kernel is ended for it."""
SLICE_S, URGENT_SLICE_S = 0.05, 0.25
"""How long one look may spend walking, so that memory is looked at in time."""
STATE_S = 5.0
SOON = 0.8
"""From which share of her disk on she gets a note that it fills up."""
NOTEWORTHY = 8 * MB
"""What a box may write before its home is walked again, or, on a full disk, before it is stopped."""
NAMELESS = 256 * MB
"""Memory in files that no place explains, from which on we look for whose they are."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What a box may have, and what the machine keeps for itself. Bytes."""

    memory: int
    disk: int
    memory_reserve: int
    disk_reserve: int
    threads: int = PROCESSES * 9 // 10

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits of an installation; the reserves follow from its size."""
        whole = machine_memory()["MemTotal"]
        return cls(
            memory=settings.server_memory_mb * MB,
            disk=settings.server_disk_mb * MB,
            memory_reserve=max(256 * MB, min(1024 * MB, whole // 20)),
            disk_reserve=300 * MB,  # the platform starts with 500 MB: what runs must not stop later than what starts
        )


@dataclass
class Watched:
    """What is remembered of a box between two looks."""

    memory: int = 0
    written: dict[int, int] = field(default_factory=dict)
    wrote: int = 0  # since the last walk
    wrote_in_need: int = 0  # since the machine's disk is nearly full
    usage: Usage | None = None
    walked: float = 0.0
    over: bool = False
    stopped_at: int = 0  # the size of her home when its kernels were stopped
    told: str = ""  # the last word on her disk


class Watchdog:
    """Looks at all boxes of one data directory."""

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self.settings = settings
        self.limits = limits
        self._watched: dict[tuple[int, int], Watched] = {}
        self._walk: tuple[tuple[int, int], Walk] | None = None
        self._saved = 0.0
        self._rests_until = 0.0

    def look(self) -> float:
        """Look at everything once, act, and return the seconds until the next look."""
        boxes = running_boxes(self.settings)
        self._watched = {box.key: self._watched.get(box.key) or Watched() for box in boxes}
        close = self._look_at_memory(boxes)
        for box in boxes:
            self._look_at_writing(box)
        self._look_at_disk(boxes)
        if time.monotonic() - self._saved > STATE_S:
            self._saved = time.monotonic()
            for box in boxes:
                raise_oom_score(box)
            self._save(boxes)
        return CLOSE_LOOK_S if close else LOOK_S

    def _look_at_memory(self, boxes: list[RunningBox]) -> bool:
        """End what has too much; tell whether somebody comes near a limit."""
        machine = machine_memory()
        limits = self.limits
        nameless = self._nameless(boxes, machine["Shmem"])
        for box in boxes:
            watched = self._watched[box.key]
            watched.memory = box.memory(int(EXACT_FROM * limits.memory), nameless.get(box.key, 0))
            if watched.memory > limits.memory:
                self._end_biggest(box, limits.memory)
            elif box.threads > limits.threads:
                # What multiplies has many parents: everything but the server, at once.
                self._end_all(box, "processes", PROCESSES, box.threads)
        missing = limits.memory_reserve - machine["MemAvailable"]
        if missing > 0 and boxes and time.monotonic() > self._rests_until:
            self._rests_until = time.monotonic() + REST_S
            # Nobody has a right to the reserve: while some of it is missing, the biggest has more than her share.
            biggest = max(boxes, key=lambda box: self._watched[box.key].memory)
            together = sum(watched.memory for watched in self._watched.values())
            self._end_biggest(biggest, max(0, together - missing) // len(boxes))
        near = any(watched.memory > limits.memory * EXACT_FROM for watched in self._watched.values())
        return near or missing > -limits.memory_reserve

    def _nameless(self, boxes: list[RunningBox], shared: int) -> dict[tuple[int, int], int]:
        """Return whose the files in memory are that have no place; dear to find out, so only where there is much."""
        unexplained = shared - sum(max(box.scratch, sum(one.shared for one in box.members)) for box in boxes)
        if unexplained < NAMELESS:
            return {}
        found = {box.key: box.nameless_files() for box in boxes}
        unexplained -= sum(size for size, _ in found.values())
        hidden = [key for key, (_, all_seen) in found.items() if not all_seen]
        # Who lets nobody see what she holds open answers for what nobody else has.
        return {
            key: size + (max(0, unexplained) // len(hidden) if key in hidden else 0) for key, (size, _) in found.items()
        }

    def _look_at_writing(self, box: RunningBox) -> None:
        watched = self._watched[box.key]
        now, all_seen = box.written()
        wrote = sum(max(0, size - watched.written.get(pid, 0)) for pid, size in now.items()) if watched.written else 0
        watched.written = now
        watched.wrote += wrote if all_seen else max(wrote, NOTEWORTHY)
        found = os.statvfs(self.settings.root)
        if found.f_bavail * found.f_frsize >= self.limits.disk_reserve:
            watched.wrote_in_need = 0
            return
        watched.wrote_in_need += wrote
        if watched.wrote_in_need > NOTEWORTHY and self._is_fellows(box):
            watched.wrote_in_need = 0
            self._end_all(box, "disk", self.limits.disk // MB, watched.usage.size // MB if watched.usage else 0)

    def _look_at_disk(self, boxes: list[RunningBox]) -> None:
        """Walk on through the home that is due, and draw the conclusions where the walk ends."""
        fellows = {box.key: box for box in boxes if self._is_fellows(box)}
        began = time.monotonic()
        while (walking := self._walking(fellows)) is not None:
            key, walk = walking
            budget_s = URGENT_SLICE_S if self._hurries(self._watched[key]) else SLICE_S
            if not walk.go_on(began + budget_s - time.monotonic()):
                return
            self._walk = None
            self._watched[key].walked = time.monotonic()
            self._conclude(fellows[key], walk.usage)

    def _walking(self, fellows: Mapping[tuple[int, int], RunningBox]) -> tuple[tuple[int, int], Walk] | None:
        """Return the walk that is under way, or the next one that is due."""
        if self._walk is not None and self._walk[0] not in fellows:
            self._walk[1].close()
            self._walk = None
        if self._walk is None and (due := self._due(fellows)) is not None:
            self._walk = due, Walk(fellows[due].home)
            self._watched[due].wrote = 0
        return self._walk

    def _hurries(self, watched: Watched) -> bool:
        """Tell whether what was written since the last walk may have filled her disk."""
        return watched.usage is not None and watched.usage.size + watched.wrote > self.limits.disk

    def _due(self, keys: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
        """Return whose home is to be walked now: who waits longest beyond her turn."""

        def waits(key: tuple[int, int]) -> float:
            watched = self._watched[key]
            if watched.usage is None:
                return time.monotonic()
            pause_s = WRITING_WALK_S if watched.wrote >= NOTEWORTHY else FULL_WALK_S if watched.over else WALK_S
            return time.monotonic() - watched.walked - pause_s

        longest = max(keys, key=waits, default=None)
        return longest if longest is not None and waits(longest) > 0 else None

    def _conclude(self, box: RunningBox, usage: Usage) -> None:
        """Act on the size of a home."""
        watched, limit = self._watched[box.key], self.limits.disk
        watched.usage = usage
        facts = (limit // MB, usage.size // MB)
        if usage.size > limit or not usage.whole:
            # While she tidies up her kernels may live: they are stopped again only where her home has grown.
            if not watched.over or usage.size > watched.stopped_at + MB:
                self._end_all(box, "disk", *facts)
                watched.stopped_at = usage.size
            watched.over, watched.told = True, "disk"
            return
        watched.over = False
        if usage.size < SOON * limit:
            watched.told = ""
        elif not watched.told:
            watched.told = "disk-soon"
            self._tell(box, "disk-soon", *facts)

    def _end_biggest(self, box: RunningBox, limit: int) -> None:
        group = box.biggest_group()
        used = self._watched[box.key].memory
        if group:
            send(group, signal.SIGKILL)
            self._say(box, "kernel ended for memory", len(group))
        else:
            end_box(box)
            self._say(box, "server ended for memory", len(box.members))
        self._tell(box, "memory", limit // MB, used // MB)

    def _end_all(self, box: RunningBox, reason: str, limit: int, used: int) -> None:
        ended = end_groups(self.settings, box)
        self._say(box, f"kernels ended for {reason}", ended)
        self._tell(box, reason, limit, used)

    def _is_fellows(self, box: RunningBox) -> bool:
        """Tell a fellow's box from a course's, whose directory is our own, and where nobody reads notes."""
        return box.home.parent == self.settings.homes

    def _say(self, box: RunningBox, what: str, ended: int) -> None:
        watched = self._watched[box.key]
        log.info("%s: %d MB in the box, %d processes ended", what, watched.memory // MB, ended)

    def _tell(self, box: RunningBox, reason: str, limit: int, used: int) -> None:
        """Leave a note in her home."""
        if not self._is_fellows(box):
            return
        facts = {"id": reason, "at": datetime.now(UTC).isoformat(), "limit_mb": limit, "used_mb": used}
        try:
            put_notice(box.home, facts)
        except OSError as error:
            log.warning("no note could be left: %s", error.strerror)

    def _save(self, boxes: list[RunningBox]) -> None:
        """Write what others (metrics, doctor) want to know."""
        rows = []
        for box in sorted(boxes, key=lambda box: box.handle):
            watched = self._watched[box.key]
            usage = watched.usage
            row = {"handle": box.handle, "memory_bytes": watched.memory, "pids": box.threads, "over": watched.over}
            rows.append(row | {"disk_bytes": usage and usage.size, "files": usage and usage.files})
        limits = {"memory_bytes": self.limits.memory, "disk_bytes": self.limits.disk, "pids": PROCESSES}
        state = {"at": datetime.now(UTC).isoformat(), "limits": limits, "boxes": rows}
        with contextlib.suppress(OSError):  # a full disk is what we are here for
            write_private(state_file(self.settings), json.dumps(state))


def state_file(settings: Settings) -> Path:
    """Return where the last look is written down (0600): `{"at", "limits", "boxes": [{"handle", …}]}`."""
    return settings.root / "hub" / "boxes.json"


def watch(settings: Settings, limits: Limits, stop: threading.Event) -> None:
    """Look until told to stop."""
    dog = Watchdog(settings, limits)
    pause_s = 0.0
    while not stop.wait(pause_s):
        pause_s = dog.look()


def main() -> None:
    """Watch until SIGTERM or SIGINT."""
    settings = Settings()
    logs.set_up("watchdog", settings)
    stop = threading.Event()

    def ask_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_stop)
    watch(settings, Limits.of(settings), stop)


if __name__ == "__main__":
    main()

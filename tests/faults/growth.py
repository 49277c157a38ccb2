"""1,000 submissions in one marker, one after another (`make growth`): nothing grows.

The marker is this process: it takes a job from the ledger, marks it, records it and makes its page, as the marking
service does. After every few submissions it and all processes that it keeps are looked at, from outside, in /proc.
"""

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from passerelle import ledger
from passerelle.grading.assignment import open_bench, take_all
from passerelle.grading.pages import end_browsers
from passerelle.grading.worker import Worker
from passerelle.ledger import queue
from tests.attacks.tiny import UNIT
from tests.faults import batch_course, outcome
from tests.faults.left import everywhere
from tests.faults.own_world import be_alone
from tests.faults.victims import below

LEARNER = Path(sys.prefix)
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Sample:
    """What a marker and the processes that it keeps hold at one moment, all together."""

    own_mb: float
    """Memory that is the marker's alone (USS), without what it only reads from files: that changes with its neighbours."""
    kept_mb: float
    """The same of the processes that it keeps."""
    processes: int
    descriptors: int
    memory_files: int
    mounts: int
    temporary_files: int
    keys: int
    elsewhere: int
    """Files in shared memory and objects of System V's that no process holds, on the whole machine."""


@dataclass(frozen=True)
class Growth:
    """A measure at the first submissions and at the last: the median of memory, the least of what is counted."""

    measure: str
    first: float
    last: float

    @property
    def most(self) -> float:
        """Return how much more is no growth: an allocator's breath; keys, which all of this user's programs have."""
        return 4.0 if self.measure.endswith("_mb") else 10.0 if self.measure == "keys" else 0.0

    @property
    def is_none(self) -> bool:
        """Say whether it has not grown."""
        return self.last - self.first <= self.most


def sample() -> Sample:
    """Look at this process and at those below it."""
    gc.collect()
    kept = [one.pid for one in below(os.getpid())]
    everybody = [os.getpid(), *kept]
    links = [link for pid in everybody for link in _descriptors(pid)]
    return Sample(
        own_mb=_memory(os.getpid()),
        kept_mb=sum(_memory(pid) for pid in kept),
        processes=len(everybody),
        descriptors=len(links),
        memory_files=sum(link.startswith("/memfd:") for link in links),
        mounts=sum(_lines(Path(f"/proc/{pid}/mountinfo")) for pid in everybody),
        temporary_files=sum(1 for _path in Path(tempfile.gettempdir()).rglob("*")),
        keys=_lines(Path("/proc/keys")),
        elsewhere=len(everywhere()),
    )


def _memory(pid: int) -> float:
    with suppress(OSError):
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        found = sum(int(row.split()[1]) for row in rows if row.startswith("Private_Dirty:"))
        return found * 1024 / MEGABYTE
    return 0.0


def _descriptors(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield str(path.readlink())


def _lines(path: Path) -> int:
    with suppress(OSError):
        return len(path.read_text().splitlines())
    return 0


def run(course: Path, unit: str, every: int) -> list[Sample]:
    """Mark all that lies in a course directory; return a sample after every so many submissions."""
    found: list[Sample] = []
    with open_bench(course, unit) as bench:
        total = len(take_all(bench, unit, None, stamp=True))
        with ledger.session(bench.engine) as session:
            queue.put_all(session, bench.track, at=datetime.now(UTC), units=[unit])
        worker = Worker(bench.engine, lambda: {bench.track: bench.layout.root}, LEARNER, fellow_of=bench.fellow_of)
        while worker.step():
            done = len(outcome.marked(course))
            if done // every > len(found):
                found.append(sample())
    assert len(outcome.marked(course)) == total, f"{len(outcome.marked(course))} of {total} are marked"
    return found


def grown(samples: Sequence[Sample], share: float) -> list[Growth]:
    """Return each measure at the beginning and at the end; `share` is how much of all is either."""
    size = max(1, round(share * len(samples)))

    def of(measure: str, those: Sequence[Sample]) -> float:
        values: list[float] = [getattr(one, measure) for one in those]
        return statistics.median(values) if measure.endswith("_mb") else min(values)

    return [Growth(one.name, of(one.name, samples[:size]), of(one.name, samples[-size:])) for one in fields(Sample)]


@contextmanager
def a_place_of_its_own() -> Iterator[Path]:
    """Give a folder, and in it one that is empty for temporary files: what is left in that is this process's."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        tempfile.tempdir = str(Path(folder) / "tmp")
        Path(tempfile.tempdir).mkdir()
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before


def table(found: Sequence[Growth], count: int, share: float) -> str:
    """Return the table as Markdown."""
    size = round(share * count)
    rows = [f"| of a marker and what it keeps | first {size} | last {size} |", "|---|--:|--:|"]
    return "\n".join([*rows, *(f"| {_NAMES[one.measure]} | {_said(one.first)} | {_said(one.last)} |" for one in found)])


_NAMES = {
    "own_mb": "memory of the marker alone (USS, files left out, MB)",
    "kept_mb": "memory of the processes that it keeps (the same, MB)",
    "processes": "processes",
    "descriptors": "open descriptors",
    "memory_files": "… of files in memory",
    "mounts": "mounts, in all of these processes",
    "temporary_files": "temporary files",
    "keys": "keys and keyrings",
    "elsewhere": "shared memory, mounts, System V's objects of the machine",
}


def _said(value: float) -> str:
    return f"{value:.1f}" if isinstance(value, float) and not value.is_integer() else f"{value:.0f}"


def main() -> int:
    """Mark; print the table; 1 where something has grown."""
    be_alone("tests.faults.growth")
    parser = argparse.ArgumentParser(prog="make growth", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="submissions (1,000)")
    asked, share = parser.parse_args(), 0.1
    began = time.monotonic()
    with a_place_of_its_own() as place:
        course = batch_course.make(place / "made", asked.count, loops=False)
        samples = run(course, UNIT, max(1, asked.count // 100))
        end_browsers()
    found = grown(samples, share)
    print(table(found, asked.count, share))
    bad = [f"{_NAMES[one.measure]} has grown: {one.first:g} → {one.last:g}" for one in found if not one.is_none]
    print(f"\n{asked.count} submissions in one marker, {time.monotonic() - began:.0f} s")
    print("\n".join(bad) or "nothing has grown", file=sys.stderr if bad else sys.stdout)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

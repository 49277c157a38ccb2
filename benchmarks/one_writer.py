"""What the one writer does for a submission, by the clock: the disk's answer to each commit is in it.

The parts and their order are those of `benchmarks.parts`, which says what they cost a processor.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.parts import Clock, Desk, stock_feedback, submit_one
from passerelle.ledger.receipts import Receipt
from passerelle.model.verdict import Verdict

WRITING = ("settle", "record", "settle again", "marks", "feedback")


class WallClock(Clock):
    """Seconds by the clock, by part."""

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent.setdefault(name, []).append(time.monotonic() - began)


@dataclass
class TimedDesk(Desk):
    """A desk whose receipts and verdicts are measured, too."""

    clock: WallClock = field(default_factory=WallClock)

    def submit(self, handle: str, files: Mapping[str, bytes]) -> Receipt:
        """Take a submission."""
        with self.clock.part("receive"):
            return super().submit(handle, files)

    def keep(self, receipt: Receipt, verdict: Verdict) -> None:
        """Store a verdict."""
        with self.clock.part("give"):
            super().keep(receipt, verdict)


def measured_writer(place: Path, learner: Path, count: int) -> dict[str, float]:
    """Return median seconds: giving a verdict, writing gradebook, folders and page; of a page, stock's too."""
    desk = TimedDesk.open(place, learner)
    for number in range(count):
        submit_one(desk, desk.clock, number)
    stock_feedback(desk, desk.clock)
    desk.engine.dispose()

    def median(name: str) -> float:
        return desk.clock.milliseconds(name) / 1000

    # Half of `prepare` is the writer's: is this verdict known? The other half is the worker's, and in its time.
    return {
        "give": median("give") + median("prepare") / 2,
        "write": sum(median(name) for name in WRITING),
        "feedback": median("feedback"),
        "stock feedback": median("stock feedback"),
    }

"""Submissions in a running hub: one after another, and a class within ten seconds."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.class_start import add_fellows, submissions
from benchmarks.loop import FELLOWS, client, percentile, shared_verdicts, solved, submit_to_feedback
from benchmarks.watched import cpu_of, sizes_of
from passerelle.ledger import engine, session
from passerelle.ledger.tables import Receipt, VerdictRow
from passerelle_lab.client import Client
from tests.hub.running import COURSES, RunningHub, running, settings_in

WARMING, SPAWNS = 4, 4
FIRST_ALONE = 10_000
"""Numbers of the answers of those that come alone: no class has as many."""


@dataclass(frozen=True)
class InHub:
    """Seconds from submit to feedback, what was lost or shared; `marking` is what the verdicts of the first say.

    `spawned`: what the start of a server takes by the clock, in CPU seconds of all, and the bytes that it adds.
    """

    spawned: tuple[float, float, float]
    receiving: Sequence[float]
    alone: Sequence[float]
    forty: Sequence[float]
    marking: Sequence[float]
    lost: int
    shared: int

    def percentile(self, share: float) -> float:
        """Return a percentile of the class's waits."""
        return percentile(self.forty, share)

    def costs(self) -> dict[str, object]:
        """Return what the simulation takes."""
        return {
            "hub_spawn": list(self.spawned),
            "hub_receiving": sorted(self.receiving),
            "hub_alone": sorted(self.alone),
            "hub_forty": sorted(self.forty),
            "hub_alone_marking": sorted(self.marking),
        }


class Timed(Client):
    """A line that notes how long its submissions took to be received."""

    received: ClassVar[list[float]] = []

    def submit(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        """Submit."""
        began = time.monotonic()
        answer: dict[str, Any] = super().submit(*arguments, **more)
        self.received.append(time.monotonic() - began)
        return answer


def measured_hub(place: Path, alone: int, count: int) -> InHub:
    """Run a hub and measure it."""
    with running(settings_in(place / "data", sources=COURSES)) as hub:
        spawned = measured_spawn(hub)
        handles = add_fellows(hub, count)
        line = client(hub, handles[0])
        timed = Timed(line.api, line.token, timeout_s=30)
        # The first ones meet what is not warm yet.
        for number in range(WARMING):
            submit_to_feedback(line, solved(hub, FIRST_ALONE - 1 - number))
        one_by_one = [submit_to_feedback(timed, solved(hub, FIRST_ALONE + number)) for number in range(alone)]
        marking = marking_seconds(hub)[-alone:]
        together = submissions(hub, handles)
        lost = count + alone + WARMING - verdicts(hub)
        return InHub(spawned, timed.received, one_by_one, together, marking, lost, shared_verdicts(hub))


def measured_spawn(hub: RunningHub) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and bytes of one server more, the median of those after the first."""
    found = []
    for handle in FELLOWS[:SPAWNS]:
        browser = hub.browser(handle)
        cpu, size, began = cpu_of(hub.process.pid), sizes_of(hub.process.pid).pss, time.monotonic()
        browser.open_server(handle)
        took = time.monotonic() - began
        found.append((took, cpu_of(hub.process.pid) - cpu, float(sizes_of(hub.process.pid).pss - size)))
    wall, spent, more = (statistics.median(column) for column in zip(*found[1:], strict=True))
    return wall, spent, more


def verdicts(hub: RunningHub) -> int:
    """Return how many receipts have a verdict."""
    with session(engine(hub.settings.database_url)) as ledger:
        return ledger.query(Receipt).filter(Receipt.verdict_key.is_not(None)).count()


def marking_seconds(hub: RunningHub) -> list[float]:
    """Return how long each verdict took to be made, the oldest first."""
    with session(engine(hub.settings.database_url)) as ledger:
        return [row.record["seconds"] for row in ledger.query(VerdictRow).order_by(VerdictRow.made)]

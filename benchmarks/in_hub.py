"""Submissions in a running hub: one after another, and a class within ten seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.class_start import add_fellows, submissions
from benchmarks.loop import client, percentile, shared_verdicts, solved, submit_to_feedback
from passerelle.ledger import engine, session
from passerelle.ledger.tables import Receipt, VerdictRow
from tests.hub.running import COURSES, RunningHub, running, settings_in

FIRST_ALONE = 10_000
"""Numbers of the answers of those that come alone: no class has as many."""


@dataclass(frozen=True)
class InHub:
    """Seconds from submit to feedback, what was lost or shared; `marking` is what the verdicts of the first say."""

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
            "hub_alone": sorted(self.alone),
            "hub_forty": sorted(self.forty),
            "hub_alone_marking": sorted(self.marking),
        }


def measured_hub(place: Path, alone: int, count: int) -> InHub:
    """Run a hub and measure it."""
    with running(settings_in(place / "data", sources=COURSES)) as hub:
        handles = add_fellows(hub, count)
        line = client(hub, handles[0])
        # The first one meets what is not warm yet.
        submit_to_feedback(line, solved(hub, FIRST_ALONE))
        one_by_one = [submit_to_feedback(line, solved(hub, FIRST_ALONE + 1 + number)) for number in range(alone)]
        marking = marking_seconds(hub)[-alone:]
        together = submissions(hub, handles)
        return InHub(one_by_one, together, marking, count + alone + 1 - verdicts(hub), shared_verdicts(hub))


def verdicts(hub: RunningHub) -> int:
    """Return how many receipts have a verdict."""
    with session(engine(hub.settings.database_url)) as ledger:
        return ledger.query(Receipt).filter(Receipt.verdict_key.is_not(None)).count()


def marking_seconds(hub: RunningHub) -> list[float]:
    """Return how long each verdict took to be made, the oldest first."""
    with session(engine(hub.settings.database_url)) as ledger:
        return [row.record["seconds"] for row in ledger.query(VerdictRow).order_by(VerdictRow.made)]

"""What is under way between the ledger's queue and who marks: leases, kept alive until something comes of them."""

import itertools
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.grading.cluster import Outcome
from passerelle.grading.errand import Files
from passerelle.ledger import queue
from passerelle.ledger.queue import Lease
from passerelle.model import verdict
from passerelle.model.errors import ServiceError

if TYPE_CHECKING:
    from passerelle.grading.marking import Marked

LEASE_S = 60
RENEW_S = 20.0


class Crew(Protocol):
    """Who marks: `cluster.Here` or `cluster.Cluster`."""

    @property
    def room(self) -> int:
        """Return how many more may be started now."""

    def start(self, tag: int, course_dir: Path, unit: str, files: Files, *, learner: Path, fellow: str) -> None:
        """Mark a submission."""

    def take(self, timeout_s: float = 0.0) -> Outcome | None:
        """Return what came of one."""

    def mark(self, course_dir: Path, unit: str, files: Files, *, learner: Path, fellow: str) -> "Marked":
        """Mark one and wait for it."""


@dataclass(frozen=True)
class Work:
    """One submission as it is marked; `key` is what its verdict's will be."""

    held: Lease
    key: str
    course_dir: Path
    fellow: str


class Line:
    """Leases what there is room for, and gives back what came of it."""

    def __init__(self, engine: Engine, crew: Crew, learner: Path) -> None:
        self._engine, self._crew, self._learner = engine, crew, learner
        self._under_way: dict[int, Work] = {}
        self._twins = defaultdict[str, list[Lease]](list)
        self._numbers, self._renewed = itertools.count(), monotonic()

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def has_room(self) -> bool:
        """Tell whether one more may be under way."""
        return self._crew.room > 0

    @property
    def is_waited_for(self) -> bool:
        """Tell whether something is in the queue."""
        with ledger.reading(self._engine) as session:
            return queue.is_any_queued(session)

    def lease(self) -> Lease | None:
        """Take a job from the queue; None where there is none."""
        with ledger.session(self._engine) as session:
            return queue.lease(session, datetime.now(UTC), LEASE_S)

    def begin(self, work: Work, files: Files) -> None:
        """Have a submission marked; the same answers under way already are not marked beside themselves."""
        if any(one.key == work.key for one in self._under_way.values()):
            self._twins[work.key].append(work.held)
            return
        number = next(self._numbers)
        self._under_way[number] = work
        try:
            self._crew.start(number, work.course_dir, work.held.unit, files, learner=self._learner, fellow=work.fellow)
        except Exception:
            del self._under_way[number]
            raise

    def take(self, timeout_s: float) -> tuple[Work, Outcome] | None:
        """Return what came of one, None where nothing came in time; what was lost is in the queue again."""
        outcome = self._crew.take(timeout_s)
        if outcome is None:
            return None
        work = self._under_way.pop(outcome.tag)
        if outcome.marked is None and outcome.error is None:
            with ledger.session(self._engine) as session:
                queue.release(session, work.held)
        return work, outcome

    def twins(self, work: Work) -> list[Lease]:
        """Return those that waited for the same answers, to be looked at again."""
        return self._twins.pop(work.key, [])

    def renew(self) -> None:
        """Keep what is under way ours."""
        if monotonic() - self._renewed < RENEW_S:
            return
        self._renewed = monotonic()
        now = datetime.now(UTC)
        with ledger.session(self._engine) as session:
            # One that is not ours any more keeps its old lease: what comes of it is left out.
            for number, work in self._under_way.items():
                held = queue.renew(session, work.held, now, LEASE_S) or work.held
                self._under_way[number] = Work(held, work.key, work.course_dir, work.fellow)
            for twins in self._twins.values():
                twins[:] = [queue.renew(session, one, now, LEASE_S) or one for one in twins]

    def give_up(self) -> None:
        """Queue again what is under way: this marker ends."""
        held = [work.held for work in self._under_way.values()]
        held += [one for twins in self._twins.values() for one in twins]
        self._under_way.clear()
        self._twins.clear()
        if held:
            with ledger.session(self._engine) as session:
                for one in held:
                    queue.release(session, one)


def sound(marked: "Marked") -> "Marked":
    """Return what was marked.

    Raises:
        ServiceError: its verdict says that it met a fault of ours.
    """
    if marked.verdict.outcome is verdict.Outcome.OURS:
        raise ServiceError("; ".join(notice.id for notice in marked.verdict.notices) or "a fault of ours")
    return marked

"""Marking a unit again: who would gain and lose, said before anything is recorded."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.grading import trouble
from passerelle.grading.marking import Marked
from passerelle.grading.report import ChangeRecord, points_of
from passerelle.ledger import queue, reasons, receipts, rehearsals
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import Receipt, Rehearsal
from passerelle.model.attempts import counted_attempt
from passerelle.model.errors import SubmissionError
from passerelle.model.parcel import unpack
from passerelle.model.verdict import Verdict


def change(
    track: str,
    unit: str,
    handle: str,
    before: AttemptRow | None,
    after: AttemptRow | None,
    *,
    stood: Mapping[str, float | None] | None = None,
    reason: str | None = None,
) -> ChangeRecord:
    """Return what a fellow gains or loses.

    Args:
        track: the course.
        unit: the unit.
        handle: whose attempts they are.
        before: what counts now, where the ledger knows.
        after: what would count.
        stood: the points in the gradebook by check, where the ledger knows of nothing before.
        reason: why it waits for us, where it does.
    """
    old: Mapping[str, float | None] = points_of(before) if before is not None else stood or {}
    new = points_of(after) if after is not None else {}
    keys = [one.verdict.key if one is not None and one.verdict is not None else None for one in (before, after)]
    state = "ours" if reason else "new" if before is None else "same" if keys[0] == keys[1] else "changed"
    differing = {
        place: (old.get(place), new.get(place)) for place in {**old, **new} if old.get(place) != new.get(place)
    }
    return ChangeRecord.model_validate(
        {
            "fellow": handle,
            "assignment": unit,
            "course": track,
            "state": state,
            "reason": reason,
            "key": keys[1],
            "key_before": keys[0],
            "points_before": sum(points or 0.0 for points in old.values()) if old else None,
            "points": sum(points or 0.0 for points in new.values()) if new and not reason else None,
            "changes": {} if reason else differing,
        }
    )


def counted_by_fellow(attempts: Sequence[AttemptRow]) -> dict[str, AttemptRow]:
    """Return the attempt that counts of each fellow who has one."""
    found = {
        handle: counted_attempt([one for one in attempts if one.handle == handle])
        for handle in {one.handle for one in attempts}
    }
    return {handle: attempt for handle, attempt in found.items() if attempt is not None}


def changes(session: Session, rehearsal: Rehearsal) -> list[ChangeRecord]:
    """Return who would gain and lose by a rehearsal, by name; who keeps every point is left out."""
    track, unit = rehearsal.track, rehearsal.unit
    instead = rehearsals.rehearsed(session, rehearsal.id)
    before = counted_by_fellow(receipts.attempts_of_track(session, track, unit))
    after = counted_by_fellow(receipts.attempts_of_track(session, track, unit, instead=instead))
    found = [change(track, unit, handle, before[handle], after.get(handle)) for handle in sorted(before)]
    return [one for one in found if one.changes]


class Rehearser:
    """Does rehearsals, an attempt at a time, so that what fellows send comes first.

    Args:
        engine: the ledger.
        course_dir: says where a track's course directory is.
        learner: the environment in which fellows' code runs.
        mark: as `marking.mark`.
        verdict_key: as `marking.verdict_key`.
    """

    def __init__(
        self,
        engine: Engine,
        course_dir: Callable[[str], Path],
        learner: Path,
        mark: Callable[..., Marked],
        verdict_key: Callable[..., str],
    ) -> None:
        self._engine, self._course_dir, self._learner = engine, course_dir, learner
        self._mark, self._verdict_key = mark, verdict_key

    def step(self) -> bool:
        """Rehearse one attempt; tell whether there was one."""
        with ledger.reading(self._engine) as session:
            if rehearsals.latest_open(session) is None:
                return False
        with ledger.session(self._engine) as session:
            found = rehearsals.due(session)
        if found is None:
            return False
        rehearsal, receipt = found
        now = datetime.now(UTC)
        if receipt is None:
            with ledger.session(self._engine) as session:
                rehearsals.end(session, rehearsal.id, now)
            return True
        try:
            verdict = self._would_get(receipt)
        except Exception as error:  # noqa: BLE001  a fault of ours, known or not: the trainer reads it
            with ledger.session(self._engine) as session:
                rehearsals.end(session, rehearsal.id, now, trouble.reason(error, reasons.OTHER))
            return True
        with ledger.session(self._engine) as session:
            rehearsals.note(session, rehearsal.id, receipt.id, verdict)
        return True

    def _would_get(self, receipt: Receipt) -> Verdict | None:
        """Return the verdict that an attempt would get; None where its key has not changed."""
        with ledger.reading(self._engine) as session:
            parcel = receipts.parcel_of(session, receipt.id)
        try:
            files = unpack(parcel or b"")
        except SubmissionError:
            files = {}
        course_dir = self._course_dir(receipt.track)
        key = self._verdict_key(course_dir, receipt.unit, files, learner=self._learner)
        with ledger.reading(self._engine) as session:
            known = queue.cached_verdict(session, key)
        if known is not None:
            return known if known.key != receipt.verdict_key else None
        return self._mark(course_dir, receipt.unit, files, learner=self._learner).verdict

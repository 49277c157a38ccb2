"""Marking a unit again: who would gain and lose, said before anything is recorded."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from passerelle.grading.report import ChangeRecord, points_of
from passerelle.ledger import receipts, rehearsals
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import Rehearsal
from passerelle.model.attempts import counted_attempt


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

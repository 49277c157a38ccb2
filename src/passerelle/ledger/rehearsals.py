"""Rehearsals: what a unit's attempts would get if they were marked again, while everything stays as it is."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from passerelle.ledger import queue
from passerelle.ledger.tables import Job, Receipt, Rehearsal, RehearsedVerdict
from passerelle.model.verdict import Verdict

ASKED, RUNNING, DONE, OURS = "asked", "running", "done", "ours"
_OPEN = (ASKED, RUNNING)


def ask(session: Session, track: str, unit: str, *, by: str, at: datetime) -> Rehearsal:
    """Ask for a rehearsal of a unit; one that is under way already serves."""
    newest = latest(session, track, unit)
    if newest is not None and newest.state in _OPEN:
        return newest
    made = Rehearsal(track=track, unit=unit, asked_by=by, asked=at, state=ASKED, total=0, done=0)
    session.add(made)
    session.flush()
    return made


def latest(session: Session, track: str, unit: str | None = None) -> Rehearsal | None:
    """Return the newest rehearsal of a track, or of one unit of it."""
    query = select(Rehearsal).where(Rehearsal.track == track).order_by(Rehearsal.id.desc()).limit(1)
    return session.scalar(query if unit is None else query.where(Rehearsal.unit == unit))


def latest_open(session: Session) -> Rehearsal | None:
    """Return a rehearsal that is not at its end, the first that was asked for."""
    return session.scalar(select(Rehearsal).where(Rehearsal.state.in_(_OPEN)).order_by(Rehearsal.id).limit(1))


def due(session: Session) -> tuple[Rehearsal, Receipt | None] | None:
    """Return the rehearsal whose turn it is, and the attempt that comes next in it: None where all have been."""
    found = latest_open(session)
    if found is None:
        return None
    known = select(RehearsedVerdict.receipt).where(RehearsedVerdict.rehearsal == found.id)
    marked = (
        select(Receipt)
        .where(Receipt.track == found.track, Receipt.unit == found.unit, Receipt.received <= found.asked)
        .where(Receipt.verdict_key.is_not(None), Receipt.erased.is_(None))
    )
    if found.state == ASKED:
        found.state, found.total = RUNNING, session.scalar(select(func.count()).select_from(marked.subquery())) or 0
        session.flush()
    following = marked.where(Receipt.id.not_in(known)).order_by(Receipt.received, Receipt.number).limit(1)
    return found, session.scalar(following)


def note(session: Session, rehearsal: int, receipt: str, verdict: Verdict | None) -> None:
    """Write down what an attempt would get; None where nothing changes."""
    record = verdict.model_dump(mode="json") if verdict is not None else {}
    session.add(RehearsedVerdict(rehearsal=rehearsal, receipt=receipt, record=record))
    session.get_one(Rehearsal, rehearsal).done += 1
    session.flush()


def end(session: Session, rehearsal: int, at: datetime, reason: str | None = None) -> None:
    """Close a rehearsal; with a reason where a fault of ours ended it."""
    row = session.get_one(Rehearsal, rehearsal)
    row.state, row.finished, row.reason = (OURS if reason else DONE), at, reason


def rehearsed(session: Session, rehearsal: int) -> dict[str, Verdict]:
    """Return the verdicts that would be other ones, by receipt."""
    query = select(RehearsedVerdict).where(RehearsedVerdict.rehearsal == rehearsal)
    return {row.receipt: Verdict.model_validate(row.record) for row in session.scalars(query) if row.record}


def record(session: Session, rehearsal: Rehearsal, at: datetime) -> Sequence[str]:
    """Have those attempts marked again whose key changed, and only them; return their receipts."""
    receipts = sorted(rehearsed(session, rehearsal.id))
    for receipt in receipts:
        queue.put(session, receipt, at)
    rehearsal.recorded = at
    session.flush()
    return receipts


def still_to_mark(session: Session, receipts: Sequence[str]) -> tuple[int, int]:
    """Return how many of these receipts wait in the queue, and how many rest after a fault of ours."""
    query = select(Job.state, func.count()).where(Job.receipt.in_(receipts)).group_by(Job.state)
    found = {state: count for state, count in session.execute(query)}  # noqa: C416  # rows
    stuck = found.pop(queue.OURS, 0)
    found.pop(queue.DONE, None)
    return sum(found.values()), stuck

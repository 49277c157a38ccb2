"""Marks that people gave to answers."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle.ledger.tables import ManualMark


def put_manual_mark(
    session: Session,
    *,
    handle: str,
    track: str,
    unit: str,
    check: str,
    answer: str,
    points: float,
    comment: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Add a mark for an answer (its hash); tell whether it is news. The newest of an answer counts."""
    newest = manual_mark(session, handle, track, unit, check, answer)
    if newest is not None and (newest.points, newest.comment) == (points, comment):
        return False
    session.add(
        ManualMark(
            handle=handle,
            track=track,
            unit=unit,
            check=check,
            answer=answer,
            points=points,
            comment=comment,
            marked=at or datetime.now(UTC),
        )
    )
    session.flush()
    return True


def manual_mark(session: Session, handle: str, track: str, unit: str, check: str, answer: str) -> ManualMark | None:
    """Return the mark that counts for an answer, None where nobody has given one."""
    query = (
        select(ManualMark)
        .where(ManualMark.handle == handle, ManualMark.track == track, ManualMark.unit == unit)
        .where(ManualMark.check == check, ManualMark.answer == answer)
        .order_by(ManualMark.id.desc())  # not by time: a clock may go back
        .limit(1)
    )
    return session.scalar(query)


def marks_given(session: Session, handle: str, track: str, unit: str) -> dict[tuple[str, str], ManualMark]:
    """Return the marks that count for a fellow's answers at a unit, by check and answer."""
    query = select(ManualMark).where(ManualMark.handle == handle, ManualMark.track == track, ManualMark.unit == unit)
    return {(mark.check, mark.answer): mark for mark in session.scalars(query.order_by(ManualMark.id))}


def marked_after(session: Session, track: str, last: int) -> tuple[set[tuple[str, str]], int]:
    """Return at whom and which unit marks of a track came after the mark with an id; and the id of the last one."""
    query = select(ManualMark.id, ManualMark.handle, ManualMark.unit)
    rows = session.execute(query.where(ManualMark.track == track, ManualMark.id > last)).all()
    return {(handle, unit) for _, handle, unit in rows}, max((number for number, _, _ in rows), default=last)


def follow(session: Session, handle: str, old: str, new: str) -> None:
    """Let a fellow's marks over the verdict `old` stand over `new` too: the same answers, examined otherwise."""
    query = select(ManualMark).where(ManualMark.handle == handle, ManualMark.answer == old).order_by(ManualMark.id)
    for mark in session.scalars(query).all():
        where = (mark.handle, mark.track, mark.unit, mark.check)
        if manual_mark(session, *where, new) is None:
            newest = manual_mark(session, *where, old)
            assert newest is not None  # this one at least  # noqa: S101
            put_manual_mark(
                session,
                handle=mark.handle,
                track=mark.track,
                unit=mark.unit,
                check=mark.check,
                answer=new,
                points=newest.points,
                comment=newest.comment,
                at=newest.marked,
            )
